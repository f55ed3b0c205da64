package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// consistent says how a success contradicts what came before.
func (s *story) consistent(e *exchange, a attempt) []finding {
	var found []finding
	a.label = "" // it is not what was tried that is wrong
	add := func(kind Kind, class, format string, args ...any) {
		found = append(found, e.finding(a, kind, class, format, args...))
	}
	for _, name := range s.contradicted(e) {
		add(Contradiction, name, "%s is not the value that was sent", name)
	}
	if expression := s.repeated(e); expression != "" {
		add(SameTwice, expression, "%s is what another request was given too", expression)
	}
	if before, now := s.left(e); before != "" {
		add(StateLeft, "", "%s, after it was %s, which is said to be final", now, before)
	}
	return found
}

// contradicted returns the properties of an answer that have another value than the one that was sent under the same name: with
// this request, or with one that led to it.
func (s *story) contradicted(e *exchange) []string {
	var names []string
	answers := []any{e.answer}
	if list := spec.List(e.answer); list != nil {
		answers = list
	}
	for _, from := range s.lineage(e) {
		for name, sent := range spec.Object(from.body) {
			if s.isState(from, name) || s.rewritten(from, e, name) {
				continue
			}
			if from == e && spec.List(e.answer) == nil && s.following[e.op.ID+" /"+spec.Escape(name)] {
				continue // what is exchanged for another one, such as a token
			}
			for _, answer := range answers {
				got, ok := spec.Object(answer)[name]
				if ok && got != nil && sent != nil && !alike(sent, got) && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// isState reports whether a property of a request is one of a few values or a switch, which the service may change by itself.
func (s *story) isState(e *exchange, name string) bool {
	schema := e.op.Body.Of(media(e.op))
	value, isText := spec.Member(e.body, name).(string)
	if schema == nil || !isText {
		_, isSwitch := spec.Member(e.body, name).(bool)
		return isSwitch
	}
	found := false
	s.document.Visit(schema.Pointer, e.body, func(sight spec.Sight) {
		found = found || len(sight.Place) == 1 && sight.Place[0] == name && sight.Value == value && sight.Node["enum"] != nil
	})
	return found
}

// rewritten reports whether a property was sent again between two exchanges, by an update that may have changed it.
func (s *story) rewritten(from, to *exchange, name string) bool {
	first := slices.Index(s.done, from)
	for _, between := range append(slices.Clone(s.done[first+1:]), to) {
		_, sent := spec.Object(between.body)[name]
		if between != from && between.op.Method != "GET" && sent && (between == to || between.success()) {
			return true
		}
	}
	return false
}

// lineage returns an exchange and those from whose answers it came about.
func (s *story) lineage(e *exchange) []*exchange {
	all := []*exchange{e}
	for i := 0; i < len(all); i++ {
		for _, n := range dependsOn(all[i].step) {
			if n <= len(s.done) && !slices.Contains(all, s.done[n-1]) && s.done[n-1].success() {
				all = append(all, s.done[n-1])
			}
		}
	}
	return all
}

// dependsOn returns the steps that a step names, counted from 1.
func dependsOn(step Step) []int {
	var steps []int
	note := func(text string) {
		for _, m := range stepNumber.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			steps = append(steps, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(step.Params)) {
		note(step.Params[name])
	}
	note(step.Body)
	return steps
}

// alike reports whether two values are one, apart from letter case, white space around it and the order of a list.
func alike(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return !ok || strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
	case []any:
		b, ok := b.([]any)
		return !ok || slices.Equal(texts(a), texts(b))
	case json.Number:
		b, ok := b.(json.Number)
		x, wrong := a.Float64()
		y, another := json.Number(b).Float64()
		return !ok || wrong != nil || another != nil || x == y
	case map[string]any:
		return true // whose parts may mean something else
	}
	return spec.TypeOf(a) != spec.TypeOf(b) || fmt.Sprint(a) == fmt.Sprint(b)
}

// texts returns the elements of a list as texts, sorted, each once.
func texts(list []any) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = strings.ToLower(fmt.Sprint(v))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// repeated returns the expression of a link whose value another request has been given too. Operations that may be repeated
// may well give the same.
func (s *story) repeated(e *exchange) string {
	if s.stated(e.op, "x-retry") == "always" || e.op.Method == "GET" {
		return ""
	}
	seen := ""
	for _, l := range s.document.LinksOf(e.op, e.op.Documented(e.status)) {
		for _, name := range slices.Sorted(maps.Keys(l.Params)) {
			from, ok := spec.ReadExpression(l.Params[name])
			value := e.source(fmt.Sprint(l.Params[name]))
			if !ok || !from.Answer || value == nil || from.In == "body" && !looksLikeID.MatchString(from.Name) {
				continue
			}
			key := fmt.Sprintf("%s %v %v", e.op.ID, l.Params[name], value)
			by := fmt.Sprintf("%s %d", s.name, len(s.done))
			if other, known := s.fresh[key]; known && other != by {
				seen = fmt.Sprint(l.Params[name])
			}
			s.fresh[key] = by
		}
	}
	return seen
}

// looksLikeID matches the place of what tells one thing from another, rather than groups them.
var looksLikeID = regexp.MustCompile(`(?:^|/|[a-z_-])(?:[iI]d|ID|[uU]uid|UUID|[gG]uid|[kK]ey|[nN]umber|[cC]ode|[rR]eference)$`)

// left returns a final state in which something was before, and the one in which it is now.
func (s *story) left(e *exchange) (before, now string) {
	contents := e.op.Answers[e.op.Documented(e.status)]
	answer := contents.Of("application/json")
	object := spec.Object(e.answer)
	if answer == nil || object == nil || len(e.params) == 0 {
		return "", ""
	}
	s.document.Visit(answer.Pointer, e.answer, func(sight spec.Sight) {
		final := spec.List(sight.Node["x-final"])
		if len(final) == 0 || len(sight.Place) != 1 {
			return
		}
		key := sight.Pointer
		for _, name := range slices.Sorted(maps.Keys(e.params)) {
			key += " " + name + "=" + e.params[name]
		}
		state := fmt.Sprint(sight.Value)
		was := s.last[key]
		isFinal := slices.ContainsFunc(final, func(v any) bool { return strings.EqualFold(fmt.Sprint(v), was) })
		if isFinal && !strings.EqualFold(was, state) {
			before, now = was, state
		}
		s.last[key] = state
	})
	return before, now
}
