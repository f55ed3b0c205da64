package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/rules"
)

// A shape is what values seen at one place have in common. It holds none of them.
type shape struct {
	times    int
	kinds    map[string]int  // by JSON type
	formats  map[string]bool // that every text had; nil before the first
	shortest int             // of the texts, in bytes
	longest  int
	items    *shape
	members  map[string]*shape
	objects  int  // whose members these are
	free     bool // the names of the members are data
}

// name is how the name of a property is written.
var name = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$-]{0,40}$`)

// isName reports whether a text looks like the name of a property, or like a value of an enumeration, rather than like data:
// identifiers, keys and numbers of documents have more digits.
func isName(text string) bool {
	digits := 0
	for _, r := range text {
		if '0' <= r && r <= '9' {
			digits++
		}
	}
	return digits <= 4 && name.MatchString(text) && !rules.IsUUID(text)
}

// maxMembers is how many different members an object has before its names are taken for data.
const maxMembers = 60

// see adds a value.
func (s *shape) see(v any) {
	s.times++
	if s.kinds == nil {
		s.kinds = make(map[string]int)
	}
	kind := spec.TypeOf(v)
	if number, ok := v.(json.Number); ok && kind == "integer" {
		if _, err := number.Int64(); err != nil {
			kind = "number" // clients read integers of 64 bits
		}
	}
	s.kinds[kind]++
	switch v := v.(type) {
	case string:
		s.text(v)
	case []any:
		if s.items == nil {
			s.items = &shape{}
		}
		for _, element := range v {
			s.items.see(element)
		}
	case map[string]any:
		s.object(v)
	}
}

func (s *shape) text(v string) {
	if s.formats == nil {
		s.formats = map[string]bool{"date-time": true, "uuid": true, "date": true}
		s.shortest = len(v)
	}
	for format := range s.formats {
		if !rules.IsFormat(format, v) {
			delete(s.formats, format)
		}
	}
	s.shortest, s.longest = min(s.shortest, len(v)), max(s.longest, len(v))
}

func (s *shape) object(v map[string]any) {
	s.objects++
	if s.members == nil {
		s.members = make(map[string]*shape)
	}
	for key, value := range v {
		s.free = s.free || !isName(key)
		if s.free {
			key = ""
		}
		if s.members[key] == nil {
			s.members[key] = &shape{}
		}
		s.members[key].see(value)
	}
	if len(s.members) > maxMembers {
		s.free = true
	}
	s.collapse()
}

// collapse has one shape for all members whose names are data.
func (s *shape) collapse() {
	if !s.free || len(s.members) == 0 {
		return
	}
	joint := &shape{}
	for _, member := range s.members {
		joint.join(member)
	}
	s.members = map[string]*shape{"": joint}
}

// join adds what another shape has seen.
func (s *shape) join(o *shape) {
	if o == nil {
		return
	}
	if s.kinds == nil {
		s.kinds = make(map[string]int)
	}
	s.times += o.times
	for kind, n := range o.kinds {
		s.kinds[kind] += n
	}
	if o.formats != nil {
		if s.formats == nil {
			s.formats, s.shortest = maps.Clone(o.formats), o.shortest
		}
		maps.DeleteFunc(s.formats, func(format string, _ bool) bool { return !o.formats[format] })
		s.shortest, s.longest = min(s.shortest, o.shortest), max(s.longest, o.longest)
	}
	if o.items != nil {
		if s.items == nil {
			s.items = &shape{}
		}
		s.items.join(o.items)
	}
	s.objects, s.free = s.objects+o.objects, s.free || o.free
	for key, member := range o.members {
		if s.members == nil {
			s.members = make(map[string]*shape)
		}
		if s.members[key] == nil {
			s.members[key] = &shape{}
		}
		s.members[key].join(member)
	}
	s.collapse()
}

// types returns the JSON types that were seen, without null; an integer beside a number is one.
func (s *shape) types() []string {
	kinds := slices.Sorted(maps.Keys(s.kinds))
	return slices.DeleteFunc(kinds, func(kind string) bool { return kind == "null" || kind == "integer" && s.kinds["number"] > 0 })
}

// format returns the format of every text that was seen, if there is one.
func (s *shape) format() string {
	for _, format := range []string{"date-time", "uuid", "date"} {
		if s.formats[format] {
			return format
		}
	}
	return ""
}

// schema returns a schema that every value meets which was seen, and that the generator takes: a value of several types may be
// anything. Each property is sensitive until a person says otherwise.
func (s *shape) schema(dialect dialect) map[string]any {
	described := make(map[string]any)
	kinds := s.types()
	if len(kinds) != 1 {
		return described
	}
	described["type"] = kinds[0]
	switch kinds[0] {
	case "string":
		if format := s.format(); format != "" {
			described["format"] = format
		}
	case "array":
		described["items"] = s.items.schema(dialect)
	case "object":
		s.describeObject(described, dialect)
	}
	if s.kinds["null"] > 0 {
		dialect.allowNull(described)
	}
	return described
}

func (s *shape) describeObject(described map[string]any, dialect dialect) {
	if s.free {
		described["additionalProperties"] = s.members[""].schema(dialect)
		return
	}
	properties := make(map[string]any)
	for key, member := range s.members {
		if len(member.types()) == 0 {
			continue // null alone says nothing
		}
		properties[key] = member.property(dialect)
	}
	if len(properties) > 0 {
		described["properties"] = properties
	}
}

// property returns the schema of a property: of a number or a boolean that is absent, a client says so.
func (s *shape) property(dialect dialect) map[string]any {
	property := s.schema(dialect)
	property["description"], property["x-sensitive"] = seenInTraffic, true
	if kinds := s.types(); len(kinds) == 1 && slices.Contains([]string{"boolean", "integer", "number"}, kinds[0]) {
		property["x-go-type-skip-optional-pointer"] = false
	}
	return property
}

// seenInTraffic describes what nobody has described.
const seenInTraffic = "Seen in traffic. What it means is not documented."

// String names a value of the shape without showing one.
func (s *shape) String() string {
	kinds := s.types()
	if len(kinds) != 1 {
		return "a value of the types " + strings.Join(kinds, ", ")
	}
	switch kinds[0] {
	case "string":
		if example := madeUp[s.format()]; example != "" {
			return strconv.Quote(example)
		}
		if s.shortest == s.longest {
			return fmt.Sprintf("a text of %d bytes", s.longest)
		}
		return fmt.Sprintf("a text of %d to %d bytes", s.shortest, s.longest)
	case "array":
		if s.items.times == 0 {
			return "an empty array"
		}
		return "an array of " + s.items.String()
	case "object":
		if s.free {
			return "an object whose names are data"
		}
		return "an object with " + strings.Join(slices.Sorted(maps.Keys(s.members)), ", ")
	case "integer":
		return "an integer"
	}
	return "a " + kinds[0]
}

// example returns a value of the shape that nobody sent.
func (s *shape) example() any {
	kinds := s.types()
	if len(kinds) != 1 {
		return "anything"
	}
	switch kinds[0] {
	case "string":
		if example := madeUp[s.format()]; example != "" {
			return example
		}
		return "text"
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	case "boolean":
		return false
	}
	return 0
}

// madeUp are texts of a format.
var madeUp = map[string]string{
	"date-time": "2000-01-01T00:00:00Z", "uuid": "00000000-0000-0000-0000-000000000000", "date": "2000-01-01",
}

// A dialect is the version of OpenAPI in which a document is written.
type dialect struct{ old bool } // 3.0

// allowNull has a schema with one type allow null.
func (d dialect) allowNull(s map[string]any) {
	if d.old {
		s["nullable"] = true
	} else {
		s["type"] = []any{s["type"], "null"}
	}
}
