package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/goaver/aver-go/internal/spec"
)

// A Drift gathers how traffic differs from a contract, and proposes an OpenAPI Overlay that makes the contract allow it:
//
//	drift := &contract.Drift{}
//	client := &http.Client{Transport: contract.NewTransport(nil, contract.WithDrift(drift), contract.WithReport(report))}
//
// It holds no value of a message but those of enumerations that are not marked as sensitive. Requests count when they were
// answered with success. It may be used by any number of goroutines; the zero Drift is ready for the embedded contract.
type Drift struct {
	// Contract is what traffic is held against; nil for the embedded one. It must be the checker's.
	Contract *Contract

	mu      sync.Mutex
	found   map[string]*difference
	objects map[string]*population // by the pointer of a schema
}

// WithDrift has a drift gather what goes through.
func WithDrift(d *Drift) Option { return func(s *settings) { s.drift = d } }

// A Difference is one way in which traffic differs from the contract.
type Difference struct {
	What     string `json:"what"`  // such as: the property nickname of Check, a text of 5 to 9 bytes
	Where    string `json:"where"` // such as: answers of getCheck (200)
	Times    int    `json:"times"`
	Proposed bool   `json:"proposed"` // the overlay allows it
}

// String returns one line.
func (d Difference) String() string {
	times := "once"
	if d.Times > 1 {
		times = fmt.Sprintf("%d times", d.Times)
	}
	return fmt.Sprintf("%s; %s in %s", d.What, times, d.Where)
}

// A change is what a difference asks of the contract. Their order is that in which they are made.
type change int

const (
	widen     change = iota // a type
	loosen                  // a keyword goes
	allowNull               //
	addValue                // to an enumeration
	makeOptional
	addProperty
	addContent // to an answer without a body
	addStatus
	addParameter
	dropRequired // of a parameter or a body
	nothing      // a fault of the sender, or what a person must decide
)

// A difference is what was seen, without a value.
type difference struct {
	change  change
	at      string // the pointer to what is to be changed
	name    string // of the property, the keyword, the status, …
	value   any    // of an enumeration
	text    string // of what is not proposed
	homes   []string
	op      string // the pointer of the operation, of what is at a parameter
	list    bool   // of a parameter that came several times in a request
	partial bool   // of a status whose body is not always JSON
	count   int
	where   map[string]bool
	shape   shape
	answers bool // it was seen in an answer
}

// A population is how many objects of a schema were seen, and in how many answers.
type population struct{ objects, answers int }

// maxDifferences bounds the memory that a service can make a drift use.
const maxDifferences = 10_000

func (d *Drift) contract() *Contract {
	if d.Contract == nil {
		return Embedded()
	}
	return d.Contract
}

// add notes a difference.
func (d *Drift) add(f *findings, seen difference) *difference {
	if strings.Contains(seen.at, "/parameters/") { // which other operations may share
		seen.op = f.m.op.Pointer
	}
	key := fmt.Sprintf("%d %s %s %s %v %s", seen.change, seen.op, seen.at, seen.name, seen.value, seen.text)
	known := d.found[key]
	if known == nil {
		if len(d.found) >= maxDifferences {
			return &difference{where: make(map[string]bool)}
		}
		if d.found == nil {
			d.found = make(map[string]*difference)
		}
		known = &seen
		known.where = make(map[string]bool)
		d.found[key] = known
	}
	known.count++
	known.where[f.m.String()] = true
	known.answers = known.answers || f.m.direction == Response
	return known
}

// String says which messages one is of.
func (m message) String() string {
	switch m.direction {
	case Request:
		return "requests of " + m.op.ID
	case Webhook:
		return "notifications of " + m.op.ID
	}
	return fmt.Sprintf("answers of %s (%d)", m.op.ID, m.status)
}

// places says in which messages a difference was seen: three of them.
func (seen *difference) places() string {
	all := slices.Sorted(maps.Keys(seen.where))
	kind := ""
	for i, text := range all {
		of, name, _ := strings.Cut(text, " of ")
		if of == kind {
			all[i] = name
		}
		kind = of
	}
	if len(all) > 3 {
		all = append(all[:3], fmt.Sprintf("%d more", len(all)-3))
	}
	return strings.Join(all, ", ")
}

// observe looks at a message that was checked.
func (d *Drift) observe(f *findings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ofValues := make(map[int]bool) // violations
	sights := make([]sightings, len(f.values))
	for i, v := range f.values {
		sights[i] = sightsOf(f.c.spec, v.schema, v.value)
	}
	handled := make(map[string]bool) // of several schemas that apply, each says the same
	for _, fault := range f.faults {
		ofValues[fault.violation] = true
		key := fmt.Sprintf("%d %s %q", fault.value, fault.problem.Rule, fault.problem.Place)
		if !handled[key] {
			handled[key] = true
			d.fault(f, fault, sights[fault.value])
		}
	}
	for i, v := range f.violations {
		if !ofValues[i] {
			d.message(f, v)
		}
	}
	met := make(map[string]bool)
	for _, places := range sights {
		for _, at := range slices.Sorted(maps.Keys(places)) {
			d.object(f, places[at], met)
		}
	}
	for pointer := range met {
		d.objects[pointer].answers++
	}
	d.parameters(f)
}

// sightings are the schemas that apply to each value within a value, by its place.
type sightings map[string][]spec.Sight

// sightsOf returns the schemas that apply within a value that is held against a schema; none without one.
func sightsOf(document *spec.Document, s *spec.Schema, value any) sightings {
	found := make(sightings)
	if s == nil || s.Pointer == "" {
		return found
	}
	document.Visit(s.Pointer, value, func(s spec.Sight) {
		key := strings.Join(s.Place, "\x00")
		found[key] = append(found[key], s)
	})
	return found
}

// at returns those that apply to the value at a place.
func (s sightings) at(place []string) []spec.Sight { return s[strings.Join(place, "\x00")] }

// message notes a violation that is not about a value.
func (d *Drift) message(f *findings, v Violation) {
	op := f.m.op
	switch {
	case v.Rule == RuleStatus:
		seen := d.add(f, difference{change: addStatus, at: op.Pointer + "/responses", name: v.Got})
		value, ok := f.json()
		if ok {
			seen.shape.see(value)
		}
		seen.partial = seen.partial || !ok && len(f.m.body) > 0
		alike := f.alike(value, ok)
		if seen.count > 1 {
			alike = slices.DeleteFunc(alike, func(status string) bool { return !slices.Contains(seen.homes, status) })
		}
		seen.homes = alike
		if len(alike) > 0 && ok { // its body may have what that of the others does not
			met := make(map[string]bool)
			for _, here := range sightsOf(f.c.spec, op.Answers[alike[0]].Of("application/json"), value) {
				d.object(f, here, met)
			}
		}
		return
	case v.Rule == RuleBody && v.Want == "no body" && f.m.direction == Response:
		if value, ok := f.json(); ok {
			d.add(f, difference{change: addContent, at: op.Pointer + "/responses/" + op.Documented(f.m.status)}).shape.see(value)
			return
		}
	case v.Rule == RuleBody && v.Got == "none" && f.m.direction == Request:
		d.add(f, difference{change: dropRequired, at: op.Pointer + "/requestBody"})
		return
	case v.Rule == RuleParameter && f.absent[v.Place] != nil && f.absent[v.Place].In != "path":
		d.add(f, difference{change: dropRequired, at: f.absent[v.Place].Pointer, name: f.absent[v.Place].Name})
		return
	case v.Rule == RuleParameter && v.Place == "query":
		return // noted below by their names
	}
	d.add(f, difference{change: nothing, text: v.text()})
}

// alike returns the documented statuses of the operation whose answers an undocumented one is like: errors for an error,
// successes for a success.
func (f *findings) alike(value any, isJSON bool) []string {
	op := f.m.op
	if !isJSON && len(f.m.body) > 0 {
		return nil
	}
	var all []string
	for _, status := range op.Statuses() {
		s := op.Answers[status].Of("application/json")
		if (status >= "4") == (f.m.status >= 400) && (isJSON && s != nil && len(s.Problems(value)) == 0 || !isJSON && len(op.Answers[status]) == 0) {
			all = append(all, status)
		}
	}
	return all
}

// fault notes what is wrong with a value.
func (d *Drift) fault(f *findings, fault fault, places sightings) {
	p := fault.problem
	v := f.violations[fault.violation]
	here := places.at(p.Place)
	last, above := "", []spec.Sight(nil)
	if len(p.Place) > 0 {
		last, above = p.Place[len(p.Place)-1], places.at(p.Place[:len(p.Place)-1])
	}
	value := spec.Find(f.values[fault.value].value, p.Place)
	var asked []difference
	rule := v.Rule
	for _, s := range above {
		if told := spec.Member(s.Node["discriminator"], "propertyName"); told != nil && told == last {
			rule = "" // without it, or with another value, no alternative is meant
		}
	}
	switch rule {
	case RuleRequired:
		for _, s := range above {
			if slices.Contains(spec.List(s.Node["required"]), any(last)) {
				asked = append(asked, difference{change: makeOptional, at: s.Pointer, name: last})
			}
		}
	case RuleClosed:
		for _, s := range above {
			if s.Node["additionalProperties"] == false && isName(last) && spec.Member(s.Node["properties"], last) == nil {
				asked = append(asked, difference{change: addProperty, at: s.Pointer, name: last, homes: []string{s.Pointer}})
			}
		}
	case RuleType:
		asked = f.otherTypes(here, value)
	case RuleEnum:
		private, _ := f.c.spec.Private(f.values[fault.value].schema.Node, p.Place)
		for _, s := range here {
			if s.Node["enum"] != nil && !private && mayBeValue(value) && !f.c.spec.Meets(s.Pointer, value) {
				asked = append(asked, difference{change: addValue, at: s.Pointer, value: value})
			}
		}
	case "":
	default:
		for _, s := range here {
			if _, has := s.Node[string(v.Rule)]; !has || !loosened[string(v.Rule)] {
				continue
			}
			if v.Rule == RuleFormat && spec.TypeOf(value) != "string" {
				value = json.Number("1.5") // beyond 64 bits it is a number
				asked = append(asked, difference{change: widen, at: s.Use})
			} else {
				asked = append(asked, difference{change: loosen, at: s.Use, name: string(v.Rule)})
			}
		}
	}
	for _, one := range asked {
		seen := d.add(f, one)
		if one.change == addProperty || one.change == widen {
			seen.shape.see(value)
		}
	}
	if len(asked) == 0 {
		v.Got = spec.Describe(value, true)
		d.add(f, difference{change: nothing, text: v.text()})
	}
}

// otherTypes returns what a value of another type asks of the schemas that apply to it.
func (f *findings) otherTypes(here []spec.Sight, value any) (asked []difference) {
	change := widen
	if value == nil {
		change = allowNull
	}
	uses := make(map[string]bool)
	for _, s := range here {
		if kinds := spec.Kinds(s.Node); len(kinds) > 0 && !uses[s.Use] && !slices.Contains(kinds, spec.TypeOf(value)) &&
			!(spec.TypeOf(value) == "integer" && slices.Contains(kinds, "number")) {
			uses[s.Use] = true
			asked = append(asked, difference{change: change, at: s.Use})
		}
	}
	if len(asked) == 0 && len(here) > 0 { // none of the alternatives has it
		asked = append(asked, difference{change: change, at: here[0].Use})
	}
	return asked
}

// loosened are the keywords that a proposal takes away.
var loosened = map[string]bool{
	"format": true, "pattern": true, "minLength": true, "maxLength": true, "minimum": true, "maximum": true, "exclusiveMinimum": true,
	"exclusiveMaximum": true, "multipleOf": true, "minItems": true, "maxItems": true,
	"uniqueItems": true, "minProperties": true, "maxProperties": true,
}

// mayBeValue reports whether a value looks like one of an enumeration, rather than like data.
func mayBeValue(v any) bool {
	text, ok := v.(string)
	return !ok && spec.TypeOf(v) == "integer" || ok && isName(text)
}

// object notes the properties of an object that no schema has which applies to it.
func (d *Drift) object(f *findings, here []spec.Sight, met map[string]bool) {
	object, ok := here[0].Value.(map[string]any)
	if !ok {
		return
	}
	var homes []string
	known := make(map[string]bool)
	open := true
	for _, s := range here {
		properties := spec.Object(s.Node["properties"])
		if properties != nil {
			homes = append(homes, s.Pointer)
			d.population(s.Pointer).objects++
			met[s.Pointer] = true
		}
		for declared, property := range properties {
			known[declared] = true
			for _, alias := range spec.List(spec.Member(property, "x-aliases")) {
				known[fmt.Sprint(alias)] = true
			}
		}
		if extra, stated := s.Node["additionalProperties"]; stated && extra != true {
			open = false // a closed one is a violation, and what a map holds is data
		}
	}
	if !open || len(homes) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch {
		case known[key]:
		case !isName(key):
			d.add(f, difference{change: nothing, text: "a property whose name looks like data (not shown) in " + homes[0]})
		default:
			d.add(f, difference{change: addProperty, at: homes[0], name: key, homes: homes}).shape.see(object[key])
		}
	}
}

func (d *Drift) population(pointer string) *population {
	if d.objects == nil {
		d.objects = make(map[string]*population)
	}
	if d.objects[pointer] == nil {
		d.objects[pointer] = &population{}
	}
	return d.objects[pointer]
}

// parameters notes query parameters that the operation does not have.
func (d *Drift) parameters(f *findings) {
	for _, key := range slices.Sorted(maps.Keys(f.extra)) {
		if !isName(key) {
			d.add(f, difference{change: nothing, text: "a query parameter whose name looks like data (not shown)"})
			continue
		}
		seen := d.add(f, difference{change: addParameter, at: f.m.op.Pointer, name: key})
		seen.list = seen.list || len(f.extra[key]) > 1
	}
}

// unknown notes a request to no operation of the contract.
func (d *Drift) unknown(method string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := &findings{m: message{direction: Request, op: &spec.Operation{ID: "no operation"}}}
	d.add(f, difference{change: nothing, text: method + " to a path of which the contract has no operation"})
}

// Differences returns what was seen, the most frequent first.
func (d *Drift) Differences() []Difference {
	_, all := d.propose()
	slices.SortStableFunc(all, func(a, b Difference) int {
		return cmp.Or(-cmp.Compare(a.Times, b.Times), strings.Compare(a.What, b.What))
	})
	return all
}

// Overlay returns an OpenAPI Overlay (1.1) with an action for each difference that can be proposed; nil when there is none.
// What is certainly a fault of the sender, and what a person must decide, is among the differences alone.
func (d *Drift) Overlay() []byte {
	e, _ := d.propose()
	return e.overlay()
}
