package explore

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goaver/aver-go/internal/spec"
)

// explore goes through all that the contract gives rise to, and then draws at random until the time is up.
func (x *explorer) explore(ctx context.Context) {
	x.walk(ctx)
	if x.over(ctx) {
		return
	}
	places := make(map[*spec.Operation]*story)
	var rows [][]probe
	longest := 0
	for _, op := range x.ordered {
		if x.over(ctx) {
			return
		}
		var all []probe
		if x.unmade(op) == "" {
			all = x.probes(op)
		}
		rows, longest = append(rows, all), max(longest, len(all))
	}
	for i := range longest { // of each operation one, so that little time sees a little of everything
		for _, row := range rows {
			if x.over(ctx) {
				return
			}
			if i < len(row) {
				x.try(ctx, places, row[i])
			}
		}
	}
	x.complete = true
	x.wander(ctx, rows)
}

// walk goes along the links from what needs nothing to all that can be reached, in the order of the contract, so that the rest has
// a story to stand on: everything is sent that a later operation may need.
func (x *explorer) walk(ctx context.Context) {
	s := x.newStory()
	x.tour = s
	tried := make(map[string]int)
	for progress := true; progress || !s.patient; {
		if s.patient = !progress; s.patient { // for what appears late, such as a result
			limit := x.Patience
			if end, ok := ctx.Deadline(); ok {
				limit = min(limit, time.Until(end)/4)
			}
			s.until = time.Now().Add(limit)
		}
		progress = false
		for _, op := range x.deletingLast() {
			if x.over(ctx) {
				return
			}
			if x.reached[op.ID] && tried[op.ID] > 0 || x.Authorize == nil && x.secured(op) || x.unmade(op) != "" {
				continue
			}
			kinds := x.kinds(op)
			for i, body := range kinds {
				step, ok := s.base(op, body)
				if !ok || tried[op.ID] > 50 {
					break
				}
				tried[op.ID]++
				before := x.reached[op.ID]
				found, err := s.take(ctx, step, attempt{})
				if err != nil {
					break
				}
				if i < len(kinds)-1 || before { // which the cases will have an opinion about, or may be the state's
					found = slices.DeleteFunc(found, isValidRefused)
				}
				x.fail(ctx, s, found)
				if last := s.done[len(s.done)-1]; last.success() {
					progress = true
				} else {
					x.note(op, last.status)
				}
			}
		}
	}
	s.patient = false
	for _, op := range x.ordered {
		x.neverSucceeded(ctx, op)
	}
}

// deletingLast returns the operations, those last that take away what the others need.
func (x *explorer) deletingLast() []*spec.Operation {
	deletes := func(op *spec.Operation) bool { return op.Method == http.MethodDelete }
	others := slices.DeleteFunc(slices.Clone(x.ordered), deletes)
	return append(others, slices.DeleteFunc(slices.Clone(x.ordered), func(op *spec.Operation) bool { return !deletes(op) })...)
}

// note notes a status with which a request was refused that should have succeeded.
func (x *explorer) note(op *spec.Operation, status int) {
	if x.refused[op.ID] == nil {
		x.refused[op.ID] = make(map[int]int)
	}
	x.refused[op.ID][status]++
}

// kinds returns the bodies with which an operation is called on the walk: one with every property, one for each value of an
// enumeration that must be given, such as both sides of a document, one for each switch, and at last the example.
func (x *explorer) kinds(op *spec.Operation) []any {
	body := x.body(op)
	if body == nil {
		return []any{nil}
	}
	all := []any{x.full(op)}
	schema := op.Body.Of(media(op))
	_, node := x.document.Resolve(schema.Pointer)
	required := spec.List(spec.Member(node, "required"))
	x.document.Visit(schema.Pointer, body, func(s spec.Sight) {
		if len(s.Place) != 1 {
			return
		}
		values := spec.List(s.Node["enum"])
		if value, ok := s.Value.(bool); ok {
			values = []any{!value}
		} else if !slices.Contains(required, any(s.Place[0])) {
			return
		}
		for _, v := range values {
			other := with(body, s.Place, spec.Plain(v))
			if !slices.ContainsFunc(all, func(known any) bool { return marshal(known) == marshal(other) }) && len(schema.Problems(other)) == 0 {
				all = append(all, other)
			}
		}
	})
	return append(slices.DeleteFunc(all, func(other any) bool { return marshal(other) == marshal(body) }), body)
}

// neverSucceeded reports an operation that was called as the contract says, and never answered with success.
func (x *explorer) neverSucceeded(ctx context.Context, op *spec.Operation) {
	statuses := x.refused[op.ID]
	if x.reached[op.ID] || len(statuses) == 0 {
		return
	}
	for status := range statuses {
		if status == 0 || status >= 500 {
			return // which is told already
		}
		if status == http.StatusForbidden || status == http.StatusTooManyRequests || status == http.StatusNotFound && !x.anyLinked(op) {
			return // the plan, the pace, or an ID that nobody knows
		}
	}
	for i := len(x.tour.done) - 1; i >= 0; i-- {
		if last := x.tour.done[i]; last.op == op {
			text := fmt.Sprintf("%s: %s: every request was refused, the last one with %d", NeverSucceeds, op.ID, last.status)
			x.fail(ctx, x.tour.first(i+1), []finding{{kind: NeverSucceeds, op: op.ID, text: text}})
			return
		}
	}
}

// anyLinked reports whether a link leads to an operation.
func (x *explorer) anyLinked(op *spec.Operation) bool {
	return slices.ContainsFunc(op.Params, func(p *spec.Param) bool { return x.following[op.ID+" "+p.Name] })
}

// needsLink reports whether an operation can only be called with what a link gives.
func (x *explorer) needsLink(op *spec.Operation) bool { return x.anyLinked(op) || x.needsBody(op) }

// creates reports whether an operation begins a story.
func (x *explorer) creates(op *spec.Operation) bool {
	return !x.needsLink(op) && len(x.linksOf(op)) > 0
}

// first returns the first steps of a story.
func (s *story) first(n int) *story {
	c := *s
	c.steps, c.done = s.steps[:n:n], s.done[:n:n]
	return &c
}

// reach returns a story in which an operation can be called: a new one, or the one of the walk. It returns nil when there is none.
func (x *explorer) reach(ctx context.Context, op *spec.Operation) *story {
	for _, way := range x.ways(op) {
		s := x.newStory()
		good := true
		for _, before := range way {
			step, ok := s.base(before, x.body(before))
			if !ok {
				good = false
				break
			}
			if _, err := s.take(ctx, step, attempt{}); err != nil || !s.done[len(s.done)-1].success() {
				good = false
				break
			}
		}
		if !good {
			continue
		}
		if _, ok := s.base(op, nil); ok {
			return s
		}
	}
	if _, ok := x.tour.base(op, nil); ok {
		return x.tour
	}
	return nil
}

// ways returns the shortest chains of operations along whose links an operation can be called, at most three; the empty chain too
// when it needs none.
func (x *explorer) ways(op *spec.Operation) [][]*spec.Operation {
	var found [][]*spec.Operation
	queue := [][]*spec.Operation{{op}}
	for len(queue) > 0 && len(found) < 3 {
		way := queue[0]
		queue = queue[1:]
		for _, from := range x.ordered {
			if slices.Contains(way, from) || len(way) > 4 {
				continue
			}
			if !slices.ContainsFunc(x.linksOf(from), func(l *spec.Link) bool { return l.To == way[0] }) {
				continue
			}
			longer := append([]*spec.Operation{from}, way...)
			if x.needsLink(from) {
				queue = append(queue, longer)
			} else {
				found = append(found, longer[:len(longer)-1])
			}
		}
	}
	if !x.needsLink(op) {
		found = append(found, []*spec.Operation{})
	}
	return found
}

// try tries a case, in a story that is at hand or a new one.
func (x *explorer) try(ctx context.Context, places map[*spec.Operation]*story, p probe) {
	if x.Authorize == nil && x.secured(p.op) && p.want != Unauthorized {
		return
	}
	s := places[p.op]
	if s == nil || len(s.steps) > 80 || x.creates(p.op) {
		s = x.reach(ctx, p.op)
		places[p.op] = s
	}
	if s == nil {
		return
	}
	if s == x.tour {
		s = s.first(len(s.done)) // whose end the next case does not see
	}
	base, ok := s.base(p.op, x.body(p.op))
	if !ok {
		return
	}
	a := attempt{label: p.label, class: p.class, place: p.place}
	var step Step
	if p.change != nil {
		if step = p.change(base); step.Want == Accepted {
			step.Want = p.want
		}
	} else {
		step, _ = s.base(p.op, p.body)
		step.Body = marshal(with(jsonOf(step.Body), p.path, p.value))
		body, err := s.resolveBody(ctx, step.Body)
		if err != nil {
			return
		}
		var rule string
		step.Want, rule = s.asked(p.op, body, p.place)
		a.class = cmp.Or(rule, a.class)
	}
	if step.Want == Accepted && p.label != "" {
		a.control = &base
	}
	found, err := s.take(ctx, step, a)
	if err != nil {
		return
	}
	done := s.done[len(s.done)-1]
	sure := s.sure(ctx, found, a.control)
	x.fail(ctx, s, sure)
	spent := len(sure) < len(found) || step.Want == Accepted && done.status == http.StatusConflict
	if spent || done.success() && p.op.Method == http.MethodDelete {
		delete(places, p.op)
	}
	if p.label == "" && done.success() && p.op.Method != http.MethodDelete && x.stated(p.op, "x-retry") == "always" {
		if found, err := s.take(ctx, step, attempt{label: "the same again", class: "repeated", repeats: true}); err == nil {
			x.fail(ctx, s, found)
		}
	}
}

// sure returns findings without the one that a valid request is refused, when the same without what is tried, the control, is
// refused too: then it is the state that refuses. The story goes on as if the control had not been sent.
func (s *story) sure(ctx context.Context, found []finding, control *Step) []finding {
	if control == nil || !slices.ContainsFunc(found, isValidRefused) {
		return found
	}
	done, err := s.send(ctx, *control)
	if err == nil && done.success() {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), isValidRefused)
}

func isValidRefused(f finding) bool { return f.kind == ValidRefused }

// wander draws stories at random: operations in an order that the links allow, several things changed at once.
func (x *explorer) wander(ctx context.Context, rows [][]probe) {
	if !slices.ContainsFunc(rows, func(row []probe) bool { return len(row) > 0 }) {
		return
	}
	for !x.over(ctx) {
		s := x.newStory()
		for range 12 + x.random.IntN(12) {
			if x.over(ctx) {
				return
			}
			row := rows[x.random.IntN(len(rows))]
			if len(row) == 0 {
				continue
			}
			if x.Authorize == nil && x.secured(row[0].op) {
				continue
			}
			base, ok := s.base(row[0].op, x.body(row[0].op))
			if !ok {
				continue
			}
			step, a := x.drawn(ctx, s, row, base)
			found, err := s.take(ctx, step, a)
			if err != nil {
				break
			}
			if found = s.sure(ctx, found, a.control); a.control == nil { // only the walk and the cases know what a state refuses
				found = slices.DeleteFunc(found, isValidRefused)
			}
			x.fail(ctx, s, found)
		}
	}
}

// severalChanged is the class of an attempt in which several things were changed at once.
const severalChanged = "several"

// drawn returns a request with up to three things changed.
func (x *explorer) drawn(ctx context.Context, s *story, row []probe, base Step) (Step, attempt) {
	op := row[0].op
	p := row[x.random.IntN(len(row))]
	if p.change != nil {
		step := p.change(base)
		if step.Want == Accepted {
			step.Want = p.want
		}
		return step, attempt{label: p.label, class: p.class, place: p.place}
	}
	step := base
	body := jsonOf(base.Body)
	var places, labels []string
	for range 1 + x.random.IntN(3) {
		if p := row[x.random.IntN(len(row))]; len(p.path) > 0 {
			body = with(body, p.path, p.value)
			places, labels = append(places, p.place), append(labels, p.label)
		}
	}
	step.Body = marshal(body)
	text, err := s.resolveBody(ctx, step.Body)
	if err != nil {
		return base, attempt{}
	}
	a := attempt{label: strings.Join(labels, "; "), class: severalChanged}
	var rule string
	if step.Want, rule = s.asked(op, text, places...); step.Want == Accepted && len(places) > 0 {
		a.control = &base
	}
	a.class = cmp.Or(rule, a.class)
	return step, a
}
