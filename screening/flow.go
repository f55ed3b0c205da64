package screening

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/goaver/aver-go/api"
)

// Rows flow from the jobs through claimers, which commit the intent to send them, to senders, of which there are as many as rows may be
// under way. So the next rows are committed while those before are sent.
const (
	claimers    = 2
	mostClaimed = 32                    // rows that a claimer claims at once
	gatheredFor = time.Millisecond      // rows wait for others at most
	claimedFor  = 10 * time.Millisecond // as many rows are claimed as are sent in that time: a process that is killed leaves few of them
)

// start starts the flow. wait returns when it has ended.
func (w *worker) start() (wait func()) {
	var flow sync.WaitGroup
	for range claimers {
		flow.Go(w.claimAhead)
	}
	for range w.s.options.concurrency {
		flow.Go(w.sendAll)
	}
	return flow.Wait
}

// claimAhead claims rows for the senders, while nothing holds them up.
func (w *worker) claimAhead() {
	size := 1
	gathering := time.NewTimer(0)
	defer gathering.Stop()
	for w.s.pace.ahead(w.stopping) {
		var batch []*task
		select {
		case t := <-w.waiting:
			batch = append(batch, t)
		case <-w.stopping.Done():
			return
		}
		gathering.Reset(gatheredFor)
		for more := true; more && len(batch) < size; {
			select {
			case t := <-w.waiting:
				batch = append(batch, t)
			case <-gathering.C:
				more = false
			}
		}
		batch = w.claim(batch)
		start := time.Now()
		handed := w.hand(batch)
		switch took := time.Since(start); {
		case !handed, took > claimedFor:
			size = max(size/2, 1)
		case took < claimedFor/2:
			size = min(2*size, mostClaimed)
		}
	}
}

// claim commits the intent to send rows of a list. It returns those that may be sent; the others are over.
func (w *worker) claim(tasks []*task) []*task {
	token := newClaim()
	var claimed []*task
	for len(tasks) > 0 {
		c := &claim{list: tasks[0].list, worker: w.s.id, token: token}
		var these, others []*task
		for _, t := range tasks {
			if t.list != c.list {
				others = append(others, t)
				continue
			}
			t.entry.claim = token
			these, c.numbers = append(these, t), append(c.numbers, t.number)
		}
		tasks = others
		if err := w.s.ledger.claim(w.recording, c); err != nil { // they may be claimed all the same, and are free again, for nothing was sent
			w.release(these)
			continue
		}
		for _, t := range these {
			if c.claimed[t.number] {
				claimed = append(claimed, t)
				delete(c.claimed, t.number) // a row that is there twice, from two jobs, is sent once
			} else { // another was faster
				t.rows.Done()
			}
		}
	}
	return claimed
}

// hand hands rows to the senders. It reports false when they are held up, and those that are left are free again.
func (w *worker) hand(tasks []*task) bool {
	held := time.NewTicker(10 * claimedFor)
	defer held.Stop()
	for len(tasks) > 0 {
		select {
		case w.claimed <- tasks[0]:
			tasks = tasks[1:]
		case <-held.C:
			if w.s.pace.held() {
				w.release(tasks)
				return false
			}
		case <-w.stopping.Done():
			w.release(tasks)
			return false
		}
	}
	return true
}

// release frees rows that were claimed and not sent.
func (w *worker) release(tasks []*task) {
	for _, t := range tasks {
		w.note(t, outcome{state: Waiting})
		t.rows.Done()
	}
}

// note has an outcome recorded; the job of the row waits for it.
func (w *worker) note(t *task, o outcome) {
	e := t.entry
	t.rows.Go(func() {
		if err := w.s.record(w.recording, e, o); err != nil {
			w.lost.Add(1)
		}
	})
}

// sendAll sends one row after the other.
func (w *worker) sendAll() {
	for {
		answered, alone, err := w.s.pace.begin(w.stopping)
		if err != nil {
			return
		}
		t := w.next(alone || w.s.pace.limited())
		switch {
		case t == nil:
			answered(noAnswer)
		case w.stopping.Err() != nil, !alone && w.s.pace.held(), w.s.slots.Acquire(w.finishing, 1) != nil:
			answered(noAnswer)
			w.release([]*task{t})
		default:
			w.send(t, answered)
			w.s.slots.Release(1)
			t.rows.Done()
		}
	}
}

// next returns a row that may be sent; nil when there is none, or when the work is to stop. Rows that are not claimed ahead it claims.
func (w *worker) next(any bool) *task {
	waiting := w.waiting
	if !any {
		waiting = nil
	}
	select {
	case t := <-w.claimed:
		return t
	case t := <-waiting:
		if w.s.pace.limiter.Wait(w.stopping) != nil {
			t.rows.Done()
			return nil
		}
		if claimed := w.claim([]*task{t}); len(claimed) > 0 {
			return t
		}
	case <-w.stopping.Done():
	}
	return nil
}

// send sends a row that was claimed, and looks at once at what a search found.
func (w *worker) send(t *task, answered func(verdict) time.Duration) {
	s := w.s
	var row Row
	if err := s.unseal(t.person, t.list, t.number, &row); err != nil {
		answered(noAnswer)
		w.note(t, outcome{state: Waiting})
		w.fail(err)
		return
	}
	send := s.search
	if t.kind == Check {
		send = s.create
	}
	o, err := send(w.finishing, t.entry, row)
	verdict, pause := verdictOf(err)
	if pause = max(pause, answered(verdict)); pause > 0 {
		w.pause(pause, err)
	}
	switch {
	case err == nil && o.state == Sent:
		w.taken.Store(true)
		w.refused.Store(0)
	case errors.Is(err, api.ErrForbidden) && w.taken.Load(): // others may be searched for: it is of this row
		o = outcome{state: Refused, reason: err.Error()}
		w.refuse(err)
	case errors.Is(err, api.ErrUnauthorized), errors.Is(err, api.ErrForbidden):
		w.fail(fmt.Errorf("screening: %w", err))
	case o.state == Refused, isStrange(err):
		w.refuse(err)
	}
	w.note(t, o) // no matter whether before or after the results
	if t.kind == Search && o.state == Sent && err == nil {
		t.serviceID = o.serviceID
		w.look(t)
	}
}

// How many rows may be refused, one after the other, before the first is taken, and later: then it is not the rows that are wrong.
const (
	mostRefused      = 20
	mostRefusedLater = 100
)

// refuse counts a row that was refused.
func (w *worker) refuse(err error) {
	most := int32(mostRefused)
	if w.taken.Load() {
		most = mostRefusedLater
	}
	if w.refused.Add(1) >= most {
		w.fail(fmt.Errorf("screening: the service refuses every row; the last one because: %w", err))
	}
}

// look looks at what became of a row that was sent. What cannot be read is read later, and the pace knows that the service failed.
func (w *worker) look(t *task) {
	o, err := w.s.look(w.finishing, t.entry)
	if err != nil {
		verdict, pause := verdictOf(err)
		if w.s.pace.done(verdict); pause > 0 {
			w.pause(pause, err)
		}
		if errors.Is(err, api.ErrUnauthorized) || errors.Is(err, api.ErrForbidden) {
			w.fail(fmt.Errorf("screening: %w", err))
		}
		w.s.options.logger.Warn("what became of a row cannot be read yet", "row", t.number, "error", err)
		o = &outcome{reason: err.Error()}
	}
	if o == nil {
		o = &outcome{}
	}
	if o.state == "" { // nothing yet
		o.state, o.serviceID, o.lookAt = Sent, t.serviceID, now()+w.s.unread(t.entry).Milliseconds()
	}
	w.note(t, *o)
}

// unread is how long to wait before what could not be read is read again: the older it is, the longer.
func (s *Screening) unread(e entry) time.Duration {
	if e.sentAt == 0 {
		return s.options.look
	}
	return min(max(time.Since(time.UnixMilli(e.sentAt))/4, s.options.look), 10*time.Minute)
}

// look looks at what became of a row that was sent: nil for nothing yet.
func (s *Screening) look(ctx context.Context, e entry) (*outcome, error) {
	if e.kind == Check {
		return s.lookAtCheck(ctx, e)
	}
	return s.lookAtSearch(ctx, e)
}

// verdictOf says whether the service failed, and how long it wants to be left alone.
func verdictOf(err error) (verdict, time.Duration) {
	var failure *api.Error
	errors.As(err, &failure)
	switch {
	case err == nil:
		return answer, 0
	case failure == nil, errors.Is(err, api.ErrOutcomeUnknown):
		return noService, 0
	case errors.Is(err, api.ErrRateLimited) && failure.RetryAfter > 0:
		return answer, failure.RetryAfter
	case errors.Is(err, api.ErrRateLimited): // it does not say for how long
		return noService, 0
	case errors.Is(err, api.ErrUnavailable):
		return noService, failure.RetryAfter
	case failure.Class == nil: // the call ended before anything was sent
		return noAnswer, 0
	case isStrange(err):
		return noService, 0
	}
	return answer, 0
}

// isStrange reports whether a failure is that of something else than the service, such as the gateway before it: it says nothing
// about a row.
func isStrange(err error) bool {
	var failure *api.Error
	if !errors.As(err, &failure) || errors.Is(err, api.ErrOutcomeUnknown) {
		return false
	}
	switch failure.Status {
	case 0, http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return errors.Is(err, api.ErrUnexpectedResponse)
	}
	return errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrInvalidRequest) || errors.Is(err, api.ErrUnexpectedResponse)
}
