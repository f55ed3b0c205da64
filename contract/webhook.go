package contract

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// CheckWebhook checks a notification of the service, whose body can be read again afterwards. A violation is returned as
// an [*Error], unless [WithReport] or [WithTest] takes it. It does not look at the header by which the service proves who
// it is; that is the receiver's.
func CheckWebhook(r *http.Request, opts ...Option) error {
	s := newSettings(opts)
	var op *spec.Operation
	for _, hook := range s.contract.spec.Webhooks {
		if hook.Method == r.Method {
			op = hook
		}
	}
	if op == nil {
		return s.result([]Violation{{Direction: Webhook, Rule: RuleOperation, Want: "a webhook of the contract", Got: "another method"}})
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	held, err := io.ReadAll(io.LimitReader(body, s.limit+1))
	if err != nil {
		return err
	}
	r.Body = &restored{io.MultiReader(bytes.NewReader(held), body), body}
	if int64(len(held)) > s.limit {
		return s.result([]Violation{{Operation: op.ID, Direction: Webhook, Rule: RuleBody, Want: "a small body", Got: "a larger one"}})
	}
	// Of several webhooks with this method, the one is meant that fits.
	var meant *findings
	for _, hook := range s.contract.spec.Webhooks {
		if hook.Method != r.Method {
			continue
		}
		found := s.contract.checkRequest(hook, nil, r.URL, message{op: hook, direction: Webhook, header: r.Header, body: held})
		if len(found.violations) == 0 {
			s.ledger.note(hook.ID)
			s.note(found)
			s.observe(found)
			return nil
		}
		if meant == nil || strings.Contains(r.URL.Path, hook.ID) {
			meant = found
		}
	}
	s.note(meant)
	s.observe(meant)
	return s.result(meant.violations)
}
