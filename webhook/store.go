package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// A Store remembers which events were handled, by [Event.Key]. Its methods are called from many goroutines.
type Store interface {
	// Begin claims a key for who is about to handle its event; claim is a random text that stands for the one who asks. Of
	// several who ask at once one alone is told [Claimed]. A claim that nobody ends, because the process died, must end by
	// itself after a while, in which every handler has long returned: from then on another may claim the key.
	Begin(ctx context.Context, key, claim string) (State, error)
	// End ends a claim. An event that was handled is remembered, whoever holds the claim by now; otherwise the key can be
	// claimed again, unless the claim is another's. It is also called when Begin failed, and may have claimed all the same.
	End(ctx context.Context, key, claim string, handled bool) error
}

// A State is what [Store.Begin] says of a key.
type State int

// The states.
const (
	Claimed        State = iota + 1 // handle it now
	AlreadyHandled                  // it was handled before
	InProgress                      // somebody else is at it
)

// What the memory holds at most.
const (
	maxRemembered = 100_000
	maxAge        = 24 * time.Hour
)

// memory is a store in memory. It forgets the oldest events.
type memory struct {
	limit int
	age   time.Duration

	mu      sync.Mutex               // guards what follows
	claims  map[string]chan struct{} // what is being handled; closed at its end
	handled map[string]*list.Element
	order   list.List // of remembered, oldest first
}

type remembered struct {
	key string
	at  time.Time
}

func newMemory(limit int, age time.Duration) *memory {
	return &memory{limit: limit, age: age, claims: make(map[string]chan struct{}), handled: make(map[string]*list.Element)}
}

// Begin waits, as long as ctx lasts, for who is at the event.
func (m *memory) Begin(ctx context.Context, key, _ string) (State, error) {
	for {
		m.mu.Lock()
		m.forget()
		if m.handled[key] != nil {
			m.mu.Unlock()
			return AlreadyHandled, nil
		}
		other := m.claims[key]
		if other == nil {
			m.claims[key] = make(chan struct{})
			m.mu.Unlock()
			return Claimed, nil
		}
		m.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return InProgress, nil
		}
	}
}

func (m *memory) End(_ context.Context, key, _ string, handled bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.claims[key])
	delete(m.claims, key)
	if handled {
		m.handled[key] = m.order.PushBack(remembered{key, time.Now()})
		m.forget()
	}
	return nil
}

// forget forgets what is too old or too much. m.mu is held.
func (m *memory) forget() {
	for first := m.order.Front(); first != nil; first = m.order.Front() {
		oldest := first.Value.(remembered)
		if len(m.handled) <= m.limit && time.Since(oldest.at) < m.age {
			return
		}
		m.order.Remove(first)
		delete(m.handled, oldest.key)
	}
}
