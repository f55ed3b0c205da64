package api

import (
	"errors"
	"math"
	"sync"
	"time"
)

// The default of [WithRetryBudget].
const (
	DefaultRetryRatio   = 0.2
	DefaultRetryReserve = 100
)

// WithRetryBudget limits how many attempts all calls of a client together may add, so that a service which is down sees little
// more than the calls themselves, and not each of them four times. Each success earns ratio of a repetition, up to reserve of
// them are kept, and each repetition spends one: when nothing is left, a call fails with its first failure, as if it had no
// attempts left. A client begins with the reserve, and in any case earns one repetition every ten seconds, up to ten, so that a
// quiet one can repeat a call too. Reading the state after an unclear outcome is a call of its own, which is made in any case.
//
// The default is [DefaultRetryRatio] and [DefaultRetryReserve]: of any 10,000 calls the service sees at most 12,100. A client that
// makes more than some hundred calls at once may want a larger reserve. A negative reserve means no limit. The repetition after a
// refused token is no part of it.
func WithRetryBudget(ratio float64, reserve int) Option {
	return clientOption(func(s *settings) error {
		if ratio < 0 || math.IsNaN(ratio) || math.IsInf(ratio, 0) {
			return errors.New("WithRetryBudget: the ratio must be 0 or more")
		}
		s.retryRatio, s.retryReserve = ratio, reserve
		return nil
	})
}

// A budget is what is left for repetitions. It may be used by any number of goroutines; a nil one has no limit.
type budget struct {
	ratio, reserve float64

	mu   sync.Mutex
	left float64
	last time.Time // when it was last filled by time
}

// What time alone earns.
const (
	refillEvery = 10 * time.Second
	refillTo    = 10
)

func newBudget(ratio float64, reserve int) *budget {
	if reserve < 0 {
		return nil
	}
	return &budget{ratio: ratio, reserve: float64(reserve), left: float64(reserve), last: time.Now()}
}

// earn notes a success.
func (b *budget) earn() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = max(b.left, min(b.left+b.ratio, b.reserve))
}

// spend takes one repetition, and reports whether there was one.
func (b *budget) spend() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(time.Now())
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// refill adds what time has earned: whole repetitions, so that asking often adds no less.
func (b *budget) refill(now time.Time) {
	earned := now.Sub(b.last) / refillEvery
	if earned <= 0 {
		return
	}
	b.last = b.last.Add(earned * refillEvery)
	limit := min(refillTo, b.reserve)
	b.left = max(b.left, min(b.left+float64(earned), limit))
}
