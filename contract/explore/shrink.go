package explore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// What making a failure smaller may take.
const (
	shrinkTime     = 3 * time.Second
	shrinkRequests = 600
)

// fail notes findings of the last step of a story. What was not seen before is made as small as it can be.
func (x *explorer) fail(ctx context.Context, s *story, found []finding) {
	for _, f := range found {
		if x.isExcepted(f) {
			x.excepted++
			continue
		}
		if known := x.known(f); known != nil {
			known.Times++
			continue
		}
		failure := &Failure{Kind: f.kind, Operation: f.op, What: f.text, Times: 1, Violation: f.violation, Steps: slices.Clone(s.steps),
			Line: x.document.Line(x.operation(f.op).Pointer), class: f.class, document: x.document}
		x.failures[f.key()] = failure
		x.order = append(x.order, f.key())
		x.shrink(ctx, failure, f)
		x.merge(failure, f.key())
	}
}

// known returns the failure that a finding is one more time of. When several things were changed at once, any of them may be what
// failed before.
func (x *explorer) known(f finding) *Failure {
	if known := x.failures[f.key()]; known != nil || f.attempt.class != severalChanged {
		return known
	}
	for _, key := range x.order {
		if known := x.failures[key]; known.Kind == f.kind && known.Operation == f.op {
			return known
		}
	}
	return nil
}

// merge has a failure be another one if its smallest story is the same.
func (x *explorer) merge(failure *Failure, key string) {
	for _, other := range x.order[:len(x.order)-1] {
		known := x.failures[other]
		if known != failure && known.Kind == failure.Kind && reflect.DeepEqual(known.Steps, failure.Steps) {
			known.Times += failure.Times
			x.failures[key] = known
			x.order = x.order[:len(x.order)-1]
			return
		}
	}
}

func (x *explorer) isExcepted(f finding) bool {
	return slices.ContainsFunc(x.Except, func(e contract.Exception) bool { return e.Matches(string(f.kind) + " " + f.op) })
}

// A shrinking makes the story of a failure smaller.
type shrinking struct {
	*explorer
	ctx     context.Context
	finding finding
	until   int // the requests at its end
	seen    *finding
}

// shrink makes the story of a failure as small as it can be: without what happened before that does not matter, and without what
// does not matter in the requests.
func (x *explorer) shrink(ctx context.Context, failure *Failure, f finding) {
	end := time.Now().Add(shrinkTime)
	if ctx.Err() != nil { // found with the last requests, for all of which there is a little time
		ctx = context.WithoutCancel(ctx)
		if x.grace.IsZero() {
			x.grace = end
		}
		end = x.grace
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	x.shrinking = true
	defer func() { x.shrinking = false }()
	k := &shrinking{explorer: x, ctx: ctx, finding: f, until: x.requests + shrinkRequests}

	steps := failure.Steps
	if f.kind == NeverSucceeds {
		failure.Steps = only(steps, closure(steps, len(steps)-1)) // among others
		return
	}
	small := only(steps, closure(steps, len(steps)-1))
	if f.kind == SameTwice {
		small = append(slices.Clone(small), small[len(small)-1])
	}
	switch {
	case k.shows(small):
		steps = small
	case k.shows(steps):
		steps = k.fewer(steps)
	case ctx.Err() != nil: // there was no time to see it again
		return
	default:
		failure.Steps, failure.Once = small, true
		return
	}
	for i := len(steps) - 1; i >= 0; i-- {
		steps = k.plainer(k.simpler(steps, i), i)
	}
	if failure.Steps = steps; k.seen != nil {
		failure.What, failure.Violation = k.seen.text, k.seen.violation
	}
	if failure.Violation != nil {
		failure.Line = failure.Violation.Line
	}
}

// shows reports whether a new story shows the failure.
func (k *shrinking) shows(steps []Step) bool {
	if k.ctx.Err() != nil || k.requests >= k.until {
		return false
	}
	s := k.newStory()
	for i, step := range steps {
		a := attempt{}
		if i == len(steps)-1 {
			a = k.finding.attempt
		}
		found, err := s.take(k.ctx, step, a)
		if err != nil {
			return false
		}
		for _, f := range found {
			if i == len(steps)-1 && f.kind == k.finding.kind && f.op == k.finding.op && f.class == k.finding.class {
				k.seen = &f
				return true
			}
		}
	}
	return false
}

// fewer leaves out what happened before and does not matter.
func (k *shrinking) fewer(steps []Step) []Step {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for from := len(steps) - 1 - size; from >= 0; from -= size {
			keep := make(map[int]bool)
			for i := range steps {
				if i < from || i >= from+size {
					keep[i] = true
				}
			}
			for i, step := range steps { // and what depends on it
				for _, n := range dependsOn(step) {
					if !keep[n-1] {
						delete(keep, i)
					}
				}
			}
			if !keep[len(steps)-1] {
				continue
			}
			if less := only(steps, keep); k.shows(less) {
				steps = less
				from = min(from, len(steps)-1)
			}
		}
	}
	return steps
}

// closure returns a step and those that it depends on, by their index.
func closure(steps []Step, i int) map[int]bool {
	needed := map[int]bool{i: true}
	for ; i >= 0; i-- {
		if needed[i] {
			for _, n := range dependsOn(steps[i]) {
				needed[n-1] = true
			}
		}
	}
	return needed
}

var stepNumber = regexp.MustCompile(`\$steps\.(\d+)\.`)

// only returns some of the steps, which name each other by their new numbers.
func only(steps []Step, keep map[int]bool) []Step {
	number := make(map[int]int)
	var kept []Step
	for i := range steps {
		if keep[i] {
			number[i+1] = len(number) + 1
		}
	}
	renumber := func(text string) string {
		return stepNumber.ReplaceAllStringFunc(text, func(m string) string {
			n, _ := strconv.Atoi(stepNumber.FindStringSubmatch(m)[1])
			return fmt.Sprintf("$steps.%d.", number[n])
		})
	}
	for i, step := range steps {
		if !keep[i] {
			continue
		}
		step.Params = maps.Clone(step.Params)
		for name, value := range step.Params {
			step.Params[name] = renumber(value)
		}
		step.Body = renumber(step.Body)
		kept = append(kept, step)
	}
	return kept
}

// simpler leaves out of the body of a step what does not matter, and shortens the rest.
func (k *shrinking) simpler(steps []Step, i int) []Step {
	op := k.operation(steps[i].Operation)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(steps[i].Body))
	if err != nil || media(op) == "" || steps[i].Media != "" {
		return steps
	}
	want, rule := k.asks(op, steps[i].Body)
	for progress := true; progress; {
		progress = false
		for candidate := range smaller(value, 0) {
			text := marshal(candidate)
			if w, r := k.asks(op, text); w != want || r != rule {
				continue
			}
			changed := slices.Clone(steps)
			changed[i].Body = text
			if k.shows(changed) {
				steps, value, progress = changed, candidate, true
				break
			}
		}
	}
	return steps
}

// plainer leaves out the parameters of a step that do not matter, and shortens the others.
func (k *shrinking) plainer(steps []Step, i int) []Step {
	for _, name := range slices.Sorted(maps.Keys(steps[i].Params)) {
		p := paramOf(k.operation(steps[i].Operation), name)
		with := func(change func(params map[string]string)) bool {
			changed := slices.Clone(steps)
			changed[i].Params = maps.Clone(steps[i].Params)
			change(changed[i].Params)
			if k.shows(changed) {
				steps = changed
				return true
			}
			return false
		}
		if p != nil && p.In != "path" && !p.Required && with(func(params map[string]string) { delete(params, name) }) {
			continue
		}
		wrong := func(text string) bool {
			return p != nil && p.Schema != nil && len(p.Schema.Problems(p.Value([]string{text}))) > 0
		}
		for progress := true; progress; {
			progress = false
			value := steps[i].Params[name]
			for less := range smaller(value, 0) {
				if text := less.(string); text != "" && wrong(text) == wrong(value) && with(func(params map[string]string) { params[name] = text }) {
					progress = true
					break
				}
			}
		}
	}
	return steps
}

// asks is [story.asked] of a body whose references are taken for texts.
func (k *shrinking) asks(op *spec.Operation, body string) (Want, string) {
	return (&story{explorer: k.explorer}).asked(op, body)
}

// smaller yields values that are a little smaller than a value.
func smaller(v any, depth int) iter.Seq[any] {
	return func(yield func(any) bool) {
		below := func(place string, part any) bool {
			if depth > 8 {
				return true // what is deep is made smaller as a whole
			}
			for less := range smaller(part, depth+1) {
				if !yield(with(v, []string{place}, less)) {
					return false
				}
			}
			return true
		}
		switch v := v.(type) {
		case map[string]any:
			names := slices.Sorted(maps.Keys(v))
			for _, name := range names {
				if !yield(with(v, []string{name}, absent{})) {
					return
				}
			}
			for _, name := range names {
				if !below(name, v[name]) {
					return
				}
			}
		case []any:
			if len(v) > 1 && !(yield(v[:len(v)/2:len(v)/2]) && yield(v[len(v)/2:]) && yield(v[:1:1])) {
				return
			}
			for i := range len(v) { // one of a few
				if len(v) > 1 && len(v) <= 40 && !yield(slices.Delete(slices.Clone(v), i, i+1)) {
					return
				}
			}
			for i := range min(len(v), 3) {
				if !below(strconv.Itoa(i), v[i]) {
					return
				}
			}
		case string:
			letters := []rune(v)
			if len(letters) < 2 || strings.Contains(v, "$steps.") || strings.Contains(v, "$values.") || strings.Contains(v, "$unique") {
				return
			}
			half := len(letters) / 2
			if yield(string(letters[:half])) && yield(string(letters[half:])) && len(letters) < 40 && yield(string(letters[1:])) {
				yield(string(letters[:len(letters)-1]))
			}
		}
	}
}
