//aver:needs webhook

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/goaver/aver-go/wire/jsondec"
)

// A Notification is what the service sends by itself: the body of a webhook of the contract.
type Notification struct {
	Webhook string // what the contract calls it, such as statusChanged
	Value   any    // a pointer to the type of its body, such as *StatusChangedNotification
}

// A webhook is what the contract says about a notification beyond types. operations.gen.go holds one for each.
type webhook struct {
	name     string
	required []string // the properties that its body must have
	read     func(body []byte) (any, error)
}

// ReadNotification reads the body of a notification. Of several webhooks the one is meant whose required properties are all
// there. Unknown properties and values pass. The error repeats nothing of the body. Whoever sends it can say anything: package
// webhook of this module has the service confirm it.
func ReadNotification(body []byte) (*Notification, error) {
	var members map[string]json.RawMessage
	if err := jsondec.Unmarshal(body, &members); err != nil {
		return nil, describeJSONError("the body", err)
	}
	err := errors.New("this is no notification that the contract knows")
	for _, hook := range webhooks {
		if members == nil || !hook.fits(members) {
			continue
		}
		value, failure := hook.read(body)
		if failure == nil {
			return &Notification{hook.name, value}, nil
		}
		err = fmt.Errorf("this is no notification %s: %w", hook.name, failure)
	}
	return nil, err
}

// fits reports whether an object has the properties that the webhook requires.
func (w webhook) fits(members map[string]json.RawMessage) bool {
	for _, name := range w.required {
		if value, ok := members[name]; !ok || string(value) == "null" {
			return false
		}
	}
	return true
}

func readAs[T any](body []byte) (any, error) {
	value := new(T)
	if err := jsondec.Unmarshal(body, value); err != nil {
		return nil, describeJSONError("the body", err)
	}
	if err := whole(reflect.ValueOf(value).Elem()); err != nil {
		return nil, err
	}
	return value, nil
}

// whole says which property an object, or one within it, lacks that the contract requires.
func whole(v reflect.Value) error {
	if v.Kind() != reflect.Struct {
		return nil
	}
	if object, ok := v.Addr().Interface().(interface{ Missing() string }); ok {
		if name := object.Missing(); name != "" {
			return fmt.Errorf("it lacks %s", name)
		}
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if err := whole(v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}
