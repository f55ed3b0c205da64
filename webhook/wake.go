package webhook

import (
	"strings"
	"sync"

	"github.com/goaver/aver-go/api"
)

// waiting holds who waits for news of an ID.
type waiting struct {
	mu   sync.Mutex // guards what follows
	byID map[string]map[chan struct{}]bool
}

// Wake has a wait look at once when a notification for its ID comes to this receiver, whatever it says:
//
//	check, err := client.WaitForCheck(ctx, id, receiver.Wake())
//
// Otherwise it looks from time to time, so that a notification which is lost costs time alone; see [api.WithWake].
func (r *Receiver) Wake() api.WaitOption { return api.WithWake(r.waiting.subscribe) }

// subscribe returns a channel that is told of notifications for an ID, until stop.
func (w *waiting) subscribe(id string) (woken <-chan struct{}, stop func()) {
	id = strings.ToLower(id)
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = make(map[string]map[chan struct{}]bool)
	}
	if w.byID[id] == nil {
		w.byID[id] = make(map[chan struct{}]bool)
	}
	w.byID[id][c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.byID[id], c); len(w.byID[id]) == 0 {
			delete(w.byID, id)
		}
	}
}

// wake wakes who waits for an ID.
func (w *waiting) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.byID[strings.ToLower(id)] {
		select {
		case c <- struct{}{}:
		default: // it is awake already
		}
	}
}
