package screening

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
)

// search sends the search of a row, and says what came of it, with the error that it failed with.
func (s *Screening) search(ctx context.Context, _ entry, row Row) (outcome, error) {
	created, err := s.client.SearchWatchlists(ctx, row.Request(s.options.group), api.WithMaxAttempts(1)) // the pace sees each failure
	var failure *api.Error
	errors.As(err, &failure)
	switch {
	case err == nil:
		return outcome{state: Sent, serviceID: created.ID}, nil
	case failure == nil, errors.Is(err, api.ErrOutcomeUnknown):
		return outcome{state: unclearOf(Search, row), reason: err.Error(), lookAt: now() + s.options.look.Milliseconds()}, err
	case isPassing(err):
		return outcome{state: Waiting, reason: err.Error()}, err
	}
	return outcome{state: Refused, reason: err.Error()}, err
}

// isPassing reports whether a failure says nothing about the row: nothing was performed, and it can be sent again.
func isPassing(err error) bool {
	var failure *api.Error
	if !errors.As(err, &failure) {
		return false
	}
	return failure.Class == nil || errors.Is(err, api.ErrRateLimited) || errors.Is(err, api.ErrUnavailable) ||
		errors.Is(err, api.ErrUnauthorized) || errors.Is(err, api.ErrForbidden) || isStrange(err)
}

// unclearOf says what a row is when nobody knows whether it was performed. A search is unknown, unless it can be read back by its
// check; a check can be created again, for at most one exists of its identifier.
func unclearOf(kind Kind, row Row) State {
	switch {
	case kind == Check:
		return Waiting
	case row.CheckID != "":
		return Sent
	}
	return Unknown
}

// lags reports whether the service may not show yet what became of a row.
func (s *Screening) lags(e entry) bool {
	return e.sentAt == 0 || time.Since(time.UnixMilli(e.sentAt)) < s.options.mayLag
}

// lookAtSearch reads the results of a search, if they are there.
func (s *Screening) lookAtSearch(ctx context.Context, e entry) (*outcome, error) {
	if e.serviceID == "" {
		return s.lookBack(ctx, e)
	}
	found, err := s.client.GetWatchlistSearch(ctx, e.serviceID)
	if err == nil && !found.Status.Final() {
		return nil, nil
	}
	var results *api.WatchlistSearchResults
	if err == nil && found.Status == api.WatchlistStatusCompleted {
		results, err = s.client.GetWatchlistSearchResults(ctx, e.serviceID)
	}
	switch {
	case errors.Is(err, api.ErrNotFound) && s.lags(e):
		return nil, nil
	case errors.Is(err, api.ErrNotFound):
		return &outcome{state: Refused, serviceID: e.serviceID, reason: "the service no longer has the search"}, nil
	case err != nil:
		return nil, err
	case results == nil:
		return &outcome{state: Refused, serviceID: e.serviceID, reason: fmt.Sprintf("the search ended %s", found.Status)}, nil
	}
	text, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	return &outcome{
		state: Done, serviceID: e.serviceID, results: s.options.seal.close(text, e.list, e.number),
		hits: len(results.WatchlistResults) + len(results.AdverseMediaResults),
	}, nil
}

// lookBack finds a search of which nobody knows whether it was performed, by the check that it belongs to.
func (s *Screening) lookBack(ctx context.Context, e entry) (*outcome, error) {
	var row Row
	if err := s.unseal(e.person, e.list, e.number, &row); err != nil {
		return nil, err
	}
	found, err := s.client.GetWatchlistSearchByCheckID(ctx, row.CheckID)
	switch {
	case err == nil && isOf(found, row) && found.ID != e.previous && !isOlder(found, e):
		e.serviceID = found.ID
		o, err := s.lookAtSearch(ctx, e)
		if err == nil && o == nil {
			o = &outcome{state: Sent, serviceID: found.ID}
		}
		return o, err
	case err != nil && !errors.Is(err, api.ErrNotFound):
		return nil, err
	case s.lags(e):
		return nil, nil
	}
	return &outcome{state: Unknown, reason: "it may have been performed, but its check has no such search"}, nil
}

// isOf reports whether a search looked for whom a row names.
func isOf(found *api.WatchlistSearch, row Row) bool {
	c := found.SearchCriteria
	for _, pair := range [][2]string{{c.FirstName, row.FirstName}, {c.MiddleName, row.MiddleName}, {c.LastName, row.LastName},
		{c.BusinessName, row.BusinessName}} {
		if !strings.EqualFold(strings.TrimSpace(pair[0]), strings.TrimSpace(pair[1])) {
			return false
		}
	}
	return true
}

// isOlder reports whether a search was made before a row was sent, by more than clocks go wrong.
func isOlder(found *api.WatchlistSearch, e entry) bool {
	made, err := found.SearchDate.Time()
	return err == nil && !made.IsZero() && e.sentAt > 0 && made.Before(time.UnixMilli(e.sentAt).Add(-24*time.Hour))
}
