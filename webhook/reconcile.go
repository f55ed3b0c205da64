package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/goaver/aver-go/wire/httperr"
)

// reconciling is how many IDs are looked at at once.
const reconciling = 8

// Reconcile looks at checks and searches by their IDs, and hands to the handler what is done and was not handled yet: what a
// notification should have brought. It uses the same keys, so that nothing is handled twice. Call it when the application
// starts and from time to time after that, with the IDs that it still waits for, and those of recurring searches.
//
// What is not done yet is passed over. The error joins what could not be read or was not handled; an ID that does not exist
// is one of these, with [ErrUnknown]. It goes on with the others, until ctx ends.
func (r *Receiver) Reconcile(ctx context.Context, ids ...string) error {
	if r.settings.client == nil {
		return errors.New("webhook: Reconcile reads states, and needs WithClient")
	}
	failures := make([]error, len(ids))
	var wg sync.WaitGroup
	slots := make(chan struct{}, reconciling)
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			failures[i] = fmt.Errorf("webhook: reconciling was left with %d of %d to go: %w", len(ids)-i, len(ids), err)
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			err := errGone
			defer func() {
				if p := recover(); p != nil { // here it would end the process
					err = httperr.Panic("the hook", p)
				}
				if err != nil {
					failures[i] = fmt.Errorf("webhook: %s: %w", line(id), err)
				}
				<-slots
			}()
			err = r.reconcile(ctx, id)
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// ErrUnknown says that neither a check nor a search has an ID.
var ErrUnknown = errors.New("neither a check nor a search has this ID")

func (r *Receiver) reconcile(ctx context.Context, id string) error {
	d := Delivery{Event: Event{ID: id}, began: time.Now()}
	within, cancel := context.WithTimeout(ctx, r.settings.timeout)
	if err := r.readBack(within, &d.Event); err != nil {
		d = d.become(Unconfirmed, err)
	} else if d.Event.Unknown {
		d = d.become(Unknown, ErrUnknown)
	} else if !d.Event.Final() {
		cancel()
		return nil
	} else {
		d = r.deliver(within, cancel, d)
	}
	cancel()
	d.Status = 0
	r.report(ctx, d)
	if d.Err == nil && (d.Outcome == Busy || d.Outcome == Late) {
		return fmt.Errorf("it is %s", d.Outcome)
	}
	return d.Err
}

// report tells the hook.
func (r *Receiver) report(ctx context.Context, d Delivery) {
	if r.settings.hook != nil {
		d.Duration = time.Since(d.began)
		r.settings.hook(ctx, d)
	}
}
