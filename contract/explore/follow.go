package explore

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaver/aver-go/internal/spec"
)

var (
	reference = regexp.MustCompile(`^\$(?:steps\.(\d+)\.(.+)|values\.(.+))$`)
	quoted    = regexp.MustCompile(`"\$(?:steps|values)\.[^"\\]*"`)
)

// resolve returns what a text stands for.
func (s *story) resolve(ctx context.Context, text string) (string, error) {
	value, err := s.value(ctx, text)
	if err != nil {
		return "", err
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	return fmt.Sprint(value), nil
}

// resolveBody returns a body in which what stands for something else is replaced.
func (s *story) resolveBody(ctx context.Context, body string) (string, error) {
	var failed error
	body = quoted.ReplaceAllStringFunc(body, func(text string) string {
		value, err := s.value(ctx, text[1:len(text)-1])
		if err != nil {
			failed = err
		}
		return marshal(value)
	})
	return strings.ReplaceAll(body, "$unique", s.name), failed
}

// value returns the value that a text stands for: itself, most often.
func (s *story) value(ctx context.Context, text string) (any, error) {
	m := reference.FindStringSubmatch(text)
	switch {
	case m == nil:
		return strings.ReplaceAll(text, "$unique", s.name), nil
	case m[3] != "":
		value, ok := s.Values[m[3]]
		if !ok {
			return nil, fmt.Errorf("%s %w: Values does not have it", text, errUnresolved)
		}
		return value, nil
	}
	n, _ := strconv.Atoi(m[1])
	if n < 1 || n > len(s.done) {
		return nil, fmt.Errorf("%s %w: there is no step %d before this one", text, errUnresolved, n)
	}
	deadline := time.Now().Add(s.Patience)
	if s.patient {
		deadline = s.until
	}
	for pause := 20 * time.Millisecond; ; pause = min(pause*2, time.Second) {
		done := s.done[n-1]
		if value := done.source("$" + m[2]); value != nil {
			return value, nil
		}
		policy := s.stated(done.op, "x-retry")
		if done.op.Method != http.MethodGet || policy != nil && policy != "always" || !done.success() || time.Now().After(deadline) {
			return nil, fmt.Errorf("%s %w: step %d was answered with %d", text, errUnresolved, n, done.status)
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		again, err := s.send(ctx, done.step)
		if err != nil {
			return nil, err
		}
		s.done[n-1] = again
	}
}

// sleep waits for some time, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// source returns what a runtime expression stands for in an exchange; nil for nothing.
func (e *exchange) source(expression string) any {
	s, ok := spec.ReadExpression(expression)
	switch {
	case !ok:
		return nil
	case s.Answer && s.In == "header":
		if value := e.header.Get(s.Name); value != "" {
			return value
		}
		return nil
	case s.In != "body":
		if value, ok := e.params[s.Name]; ok {
			return value
		}
		return nil
	case s.Answer:
		return scalar(spec.Find(e.answer, spec.Tokens(s.Name)))
	}
	return scalar(spec.Find(e.body, spec.Tokens(s.Name)))
}

// scalar returns a value that can stand in a parameter; nil for an object or a list.
func scalar(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return nil
	}
	return v
}

// understood reports whether a value of a link is a constant or an expression that can be followed.
func understood(v any) bool {
	text, isText := v.(string)
	_, reads := spec.ReadExpression(v)
	return !isText || reads || !strings.HasPrefix(text, "$") && !strings.Contains(text, "{$")
}

// follow notes what the links of an answer give for other operations.
func (s *story) follow(e *exchange, n int) {
	expression := func(v any) string {
		text := fmt.Sprint(v)
		if _, ok := spec.ReadExpression(v); ok {
			return fmt.Sprintf("$steps.%d.%s", n, text[1:])
		}
		return text
	}
	for _, l := range s.document.LinksOf(e.op, e.op.Documented(e.status)) {
		if slices.ContainsFunc(slices.Collect(maps.Values(l.Params)), func(v any) bool { return !understood(v) }) {
			continue
		}
		b := bound{params: make(map[string]string)}
		for name, v := range l.Params {
			b.params[name] = expression(v)
			if value := e.source(fmt.Sprint(v)); value != nil {
				s.issued[fmt.Sprint(value)] = true
			}
		}
		if object := spec.Object(l.Body); object != nil {
			body := make(map[string]any)
			for name, v := range object {
				if _, ok := spec.ReadExpression(v); ok {
					v = expression(v)
				}
				body[name] = v
			}
			b.body = body
		}
		s.next[l.To.ID] = append(s.next[l.To.ID], b)
	}
}
