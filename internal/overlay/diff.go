package overlay

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/speakeasy-api/jsonpath/pkg/jsonpath"
	"github.com/speakeasy-api/jsonpath/pkg/jsonpath/config"
	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

// ErrSame is returned when there is nothing to write.
var ErrSame = errors.New("the documents do not differ")

// Diff returns the overlay (1.1) that makes a document into another.
func Diff(from, to File) ([]byte, error) {
	old, err := parse(from)
	if err != nil {
		return nil, err
	}
	wanted, err := parse(to)
	if err != nil {
		return nil, err
	}
	o, err := overlay.Compare("From "+from.Name+" to "+to.Name, old, *wanted)
	if err != nil {
		return nil, err
	}
	if len(o.Actions) == 0 {
		return nil, ErrSame
	}
	o.Version, o.JSONPathVersion, o.Info.Version = overlay.Version110, "", "1.0.0"
	actions := o.Actions
	o.Actions = nil
	for _, a := range actions {
		steps, err := replacing(old, a)
		if err != nil {
			return nil, err
		}
		o.Actions = append(o.Actions, steps...)
	}
	for i := range o.Actions {
		o.Actions[i].Target = short.ReplaceAllString(o.Actions[i].Target, ".$1")
	}
	text, err := o.ToString()
	if err != nil {
		return nil, err
	}
	// What it says is what it does, or it is not handed out.
	made, err := Apply(from, File{"the overlay", []byte(text)})
	if err != nil {
		return nil, err
	}
	same, err := equal(made.Text, to.Text)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, fmt.Errorf("an overlay cannot say how %s becomes %s", from.Name, to.Name)
	}
	return []byte(text), nil
}

// short is a part of a path that can be written with a dot.
var short = regexp.MustCompile(`\["([A-Za-z_][A-Za-z0-9_]*)"\]`)

// last is the last part of a path.
var last = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]$`)

// replacing returns an action, or two where the value becomes one of another kind: an update alone may not do that.
func replacing(document *yaml.Node, a overlay.Action) ([]overlay.Action, error) {
	if a.Remove {
		return []overlay.Action{a}, nil
	}
	path, err := jsonpath.NewPath(a.Target, config.WithPropertyNameExtension())
	if err != nil {
		return nil, fmt.Errorf("the path %s: %w", a.Target, err)
	}
	found := path.Query(document)
	if len(found) != 1 || found[0].Kind == a.Update.Kind {
		return []overlay.Action{a}, nil
	}
	key := last.FindString(a.Target)
	name, err := strconv.Unquote(strings.Trim(key, "[]"))
	if err != nil {
		return nil, fmt.Errorf("the element %s of a list becomes another kind of value, which an overlay cannot say", a.Target)
	}
	update := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &a.Update}}
	return []overlay.Action{
		{Target: a.Target, Remove: true},
		{Target: strings.TrimSuffix(a.Target, key), Update: update},
	}, nil
}

// equal reports whether two texts hold the same value.
func equal(a, b []byte) (bool, error) {
	var left, right any
	if err := errors.Join(yaml.Unmarshal(a, &left), yaml.Unmarshal(b, &right)); err != nil {
		return false, err
	}
	return reflect.DeepEqual(left, right), nil
}
