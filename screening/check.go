package screening

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/goaver/aver-go/api"
)

// create creates the check of a row, and says what came of it, with the error that it failed with. A check that exists by the
// identifier is taken for it: that is what makes a create safe to repeat.
func (s *Screening) create(ctx context.Context, e entry, row Row) (outcome, error) {
	request := row.create(s.options.check, s.options.group, s.identifier(e))
	created, err := s.client.CreateCheck(ctx, request, api.WithMaxAttempts(1)) // the pace sees each failure
	link, id := "", ""
	var failure *api.Error
	errors.As(err, &failure)
	switch {
	case err == nil:
		id, link = created.CheckID, created.URL
	case failure == nil, errors.Is(err, api.ErrOutcomeUnknown), isPassing(err):
		return outcome{state: Waiting, reason: err.Error()}, err
	default:
		there, lookedUp := s.existing(ctx, request)
		switch {
		case isPassing(lookedUp):
			return outcome{state: Waiting, reason: lookedUp.Error()}, lookedUp
		case there == nil:
			return outcome{state: Refused, reason: err.Error()}, err
		}
		if id = there.ID; there.Status.Is(api.CheckStatusCreated, api.CheckStatusAwaitingUser) {
			if link, err = s.newLink(ctx, id, request); err != nil {
				return outcome{state: Waiting, reason: err.Error()}, err
			}
		}
	}
	o := outcome{state: Sent, serviceID: id, lookAt: now() + s.options.pollLeast.Milliseconds()}
	if link != "" {
		o.link = s.options.seal.close([]byte(link), e.list, e.number)
	}
	return o, nil
}

// identifier is what a check is named by whose person the application does not name.
func (s *Screening) identifier(e entry) string {
	return "aver-screen-" + hex.EncodeToString(s.options.seal.digest(fmt.Appendf(nil, "%s\x00%d\x00%x", e.list, e.number, e.digest)))
}

// existing returns the check that exists by the identifier and the email of a request; nil when none does.
func (s *Screening) existing(ctx context.Context, request api.CreateCheckRequest) (*api.Check, error) {
	found, err := s.client.LookupChecks(ctx, api.LookupChecksRequest{ThirdPartyIdentifier: request.ThirdPartyIdentifier, Email: request.Email})
	for _, check := range found {
		if check.ThirdPartyIdentifier == request.ThirdPartyIdentifier && (check.GroupID == "" || check.GroupID == request.GroupID) {
			return &check, err
		}
	}
	return nil, err
}

// newLink makes a link to the enrollment of a check that exists; empty when the service gives none.
func (s *Screening) newLink(ctx context.Context, id string, request api.CreateCheckRequest) (string, error) {
	link, err := s.client.CreateAccessLink(ctx, id, api.CreateAccessLinkRequest{Language: request.Language, ReturnURL: request.ReturnURL})
	switch {
	case err == nil:
		return link.URL, nil
	case isPassing(err):
		return "", err
	}
	return "", nil
}

// lookAtCheck reads where a check stands, and what was found when it is done.
func (s *Screening) lookAtCheck(ctx context.Context, e entry) (*outcome, error) {
	check, err := s.client.GetCheck(ctx, e.serviceID)
	switch {
	case errors.Is(err, api.ErrNotFound) && s.lags(e):
		return s.later(e), nil
	case errors.Is(err, api.ErrNotFound):
		return &outcome{state: Refused, reason: "the service no longer has the check"}, nil
	case err != nil:
		return nil, err
	}
	results := &api.CheckResults{
		ID: check.ID, OrganizationID: check.OrganizationID, GroupID: check.GroupID, ThirdPartyIdentifier: check.ThirdPartyIdentifier,
		Status: check.Status, StatusReason: check.StatusReason, CheckTypes: check.CheckTypes,
	}
	o := s.later(e)
	if check.Status.Final() {
		full, err := s.client.GetCheckResults(ctx, e.serviceID)
		switch {
		case err == nil:
			results = full
		case !check.Status.Is(api.CheckStatusCanceled): // of which there may be none
			return nil, err
		}
		o = &outcome{state: Done, hits: len(results.Warnings)}
	}
	text, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	o.results = s.options.seal.close(text, e.list, e.number)
	return o, nil
}

// later says when a check is looked at again: the older it is, the later.
func (s *Screening) later(e entry) *outcome {
	age := time.Duration(now()-e.sentAt) * time.Millisecond
	return &outcome{state: Sent, lookAt: now() + min(max(age/4, s.options.pollLeast), s.options.pollMost).Milliseconds()}
}

// Notify looks at a check or a search at once, because the service has told that something happened to it: it is what the handler of a
// webhook calls with the ID of the event. An ID that is not among the rows that are under way is no error. After an error it is to be
// called again; Work looks from time to time in any case.
func (s *Screening) Notify(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("screening: the ID is empty")
	}
	entries, err := s.ledger.sent(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.claim = newClaim()
		if err := s.ledger.adopt(ctx, e.list, e.number, s.id, e.claim); err != nil {
			return err
		}
		o, err := s.look(ctx, e)
		if err != nil {
			return err
		}
		if o != nil {
			err = s.record(ctx, e, *o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
