package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/wire/httperr"
)

// confirm reads back what an event is about, and delivers it. It ends the context when the handler has returned.
func (r *Receiver) confirm(ctx context.Context, cancel context.CancelFunc, d Delivery) Delivery {
	if r.settings.client != nil && d.Event.ID != "" {
		if err := r.readBack(ctx, &d.Event); err != nil {
			cancel()
			return d.become(Unconfirmed, err)
		}
	}
	switch {
	case d.Event.Unknown && !r.settings.unknown:
		cancel()
		return d.become(Unknown, nil)
	case !d.Event.Unknown && d.Event.claimsTheEnd() && !d.Event.Final():
		cancel()
		return d.become(Premature, nil)
	}
	return r.deliver(ctx, cancel, d)
}

// readBack sets what an event is about as it is now. The type says where to look, and when nothing is there, or nobody knows
// the type, the other place is looked at: a type can be forged like the rest.
func (r *Receiver) readBack(ctx context.Context, e *Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = httperr.Panic("the client", p)
		}
	}()
	looks := []func(context.Context, *Event) error{r.readCheck, r.readSearch}
	if strings.Contains(strings.ToLower(string(e.Type)), "search") {
		looks[0], looks[1] = looks[1], looks[0]
	}
	for i, look := range looks {
		err := look(ctx, e)
		elsewhere := i > 0 && errors.Is(err, api.ErrForbidden) // a key that may not look there made nothing there
		if !isNothing(err) && !elsewhere {
			return err
		}
	}
	e.Unknown = true
	return nil
}

// isNothing reports whether an error says that nothing has an ID, or that nothing can have it: the service refuses it as
// malformed, or it cannot even be sent. What a proxy says, in HTML, is no word of the service.
func isNothing(err error) bool {
	var failure *api.Error
	if !errors.As(err, &failure) {
		return errors.Is(err, api.ErrNotFound)
	}
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(failure.RawBody()), []byte("<")):
		return false
	case errors.Is(err, api.ErrInvalidRequest):
		return failure.Attempts == 0 && failure.Status == 0 || failure.Status == http.StatusBadRequest ||
			failure.Status == http.StatusUnprocessableEntity
	}
	return errors.Is(err, api.ErrNotFound)
}

func (r *Receiver) readCheck(ctx context.Context, e *Event) error {
	check, err := r.settings.client.GetCheck(ctx, e.ID)
	if err == nil && check == nil {
		err = errNothing
	}
	if err == nil {
		e.Check, e.ID, e.GroupID = check, check.ID, check.GroupID
	}
	return err
}

func (r *Receiver) readSearch(ctx context.Context, e *Event) error {
	search, err := r.settings.client.GetWatchlistSearch(ctx, e.ID)
	if err == nil && search == nil {
		err = errNothing
	}
	if err == nil {
		e.Search, e.ID, e.GroupID = search, search.ID, search.GroupID
	}
	return err
}

// errNothing is what a client that is not ours is told that returns neither a value nor an error.
var errNothing = errors.New("the client returned nothing")

// deliver has the handler handle an event that it has not handled yet, and waits for it as long as ctx lasts. What a handler
// that was late did in the end is told to the hook.
func (r *Receiver) deliver(ctx context.Context, cancel context.CancelFunc, d Delivery) Delivery {
	done, late := make(chan Delivery), make(chan struct{})
	go func() {
		result := d.become(Failed, errGone) // unless it gets to its end
		defer cancel()
		defer func() {
			select {
			case done <- result:
			case <-late:
				result.Status = 0
				r.report(context.WithoutCancel(ctx), result)
			}
		}()
		result = r.once(ctx, d)
	}()
	select {
	case d = <-done:
		return d
	case <-ctx.Done():
	}
	select {
	case d = <-done: // what was done in time counts, and so does why it was not
		return d
	case <-time.After(lastMoment):
		close(late)
		return d.become(Late, ctx.Err())
	}
}

// lastMoment is how long a handler has to return that was told that its time is over.
const lastMoment = 50 * time.Millisecond

// once handles an event unless it was handled already.
func (r *Receiver) once(ctx context.Context, d Delivery) (result Delivery) {
	key := d.Event.Key()
	if key == "" {
		return d.result(r.call(ctx, d.Event))
	}
	defer func() {
		if p := recover(); p != nil {
			result = d.become(Unconfirmed, httperr.Panic("the store", p))
		}
	}()
	claim := rand.Text()
	state, err := r.settings.store.Begin(ctx, key, claim)
	switch {
	case err != nil:
		_ = r.end(ctx, key, claim, false) // it may have been claimed all the same
		return d.own(Unconfirmed, err)
	case state == AlreadyHandled:
		return d.become(Duplicate, nil)
	case state != Claimed:
		return d.become(Busy, nil)
	}
	handled := errGone
	defer func() { // a handler that was late did what it did, and one that ended its goroutine did not
		result = d.result(handled)
		if err := r.end(ctx, key, claim, handled == nil); err != nil && handled == nil {
			result = d.own(Unconfirmed, err)
		}
	}()
	handled = r.call(ctx, d.Event)
	return
}

// end ends a claim, even when the time is over.
func (r *Receiver) end(ctx context.Context, key, claim string, handled bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings.timeout)
	defer cancel()
	return r.settings.store.End(ctx, key, claim, handled)
}

func (d Delivery) result(err error) Delivery {
	if err != nil {
		return d.own(Failed, err)
	}
	return d.become(Handled, nil)
}

// call calls the handler. A panic is an error.
func (r *Receiver) call(ctx context.Context, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = httperr.Panic("the handler", p)
		}
	}()
	return r.handle(ctx, e)
}

var errGone = errors.New("the handler ended its goroutine")
