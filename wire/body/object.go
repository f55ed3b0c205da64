package body

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// MarshalWith writes a value and, if it is an object, the members of another object within it. No additional property may
// have the name of one that is there with another value. A nil value is null, and nil for more adds nothing.
func MarshalWith(value, more any) ([]byte, error) {
	text, err := marshal(value)
	if err != nil || more == nil {
		return text, err
	}
	rest, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	var declared, added map[string]json.RawMessage
	if err := json.Unmarshal(rest, &added); err != nil {
		return nil, err
	}
	if len(added) == 0 {
		return text, nil
	}
	if json.Unmarshal(text, &declared) != nil {
		return nil, errors.New("a value that is no object has no further properties")
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		switch there, ok := declared[name]; {
		case !ok:
		case string(there) == string(added[name]):
			delete(added, name)
		case string(there) == `""`: // not set
			delete(declared, name)
			if text, err = json.Marshal(declared); err != nil {
				return nil, err
			}
		default:
			return nil, errors.New("an additional property has the name of a property that is set to another value")
		}
	}
	if rest, err = json.Marshal(added); err != nil {
		return nil, err
	}
	switch {
	case len(added) == 0:
		return text, nil
	case len(declared) == 0:
		return rest, nil
	}
	return append(append(text[:len(text)-1:len(text)-1], ','), rest[1:]...), nil
}

// marshal writes a value; one that is a text of JSON already stays as it is.
func marshal(value any) ([]byte, error) {
	if text, ok := value.(json.RawMessage); ok {
		if len(text) == 0 {
			return []byte("null"), nil
		}
		return text, nil
	}
	return json.Marshal(value)
}
