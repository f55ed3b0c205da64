package contract

import (
	"encoding/json"
	"fmt"

	"github.com/goaver/aver-go/internal/spec"
)

// suggest returns a schema for a value; of what may be personal, without the names of its members.
func suggest(v any, private bool) string {
	text, err := json.Marshal(suggestion(v, private))
	if err != nil || len(text) > 400 {
		return ""
	}
	return string(text)
}

func suggestEnum(v any, private bool) string {
	if text, ok := v.(string); ok && !private && len(text) <= 60 {
		return fmt.Sprintf("enum: [..., %s]", text)
	}
	return ""
}

// suggestion returns a schema that a value meets, as a person may write it into the contract. It repeats no value, and of
// what may be personal no names.
func suggestion(v any, private bool) map[string]any {
	s := map[string]any{"type": spec.TypeOf(v)}
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			s["items"] = suggestion(v[0], private)
		}
	case map[string]any:
		if private {
			break
		}
		properties := make(map[string]any)
		for name := range v {
			properties[name] = suggestion(v[name], private)
		}
		s["properties"] = properties
	}
	return s
}
