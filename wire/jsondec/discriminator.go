package jsondec

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Discriminator returns the property of an object that tells what it is. The error repeats nothing of the object.
func Discriminator(object []byte, name string) (string, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return "", errors.New("the value is no object, so that nothing tells what it is")
	}
	var is string
	if json.Unmarshal(members[name], &is) != nil {
		return "", fmt.Errorf("the value has no text %s, which would tell what it is", name)
	}
	return is, nil
}
