package wire

import (
	"encoding/json"
	"fmt"
)

// MarshalWith writes an object with additional properties, which may not have the names of the others. It is for generated
// code.
func MarshalWith(object any, more any) ([]byte, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	var declared, added map[string]json.RawMessage
	if err := json.Unmarshal(text, &declared); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(rest, &added); err != nil {
		return nil, err
	}
	for name := range added {
		if _, ok := declared[name]; ok {
			return nil, fmt.Errorf("the additional property %q has the name of a property", name)
		}
	}
	switch {
	case len(added) == 0:
		return text, nil
	case len(declared) == 0:
		return rest, nil
	}
	return append(append(text[:len(text)-1], ','), rest[1:]...), nil
}
