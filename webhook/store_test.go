package webhook

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(3, time.Hour)
		handle := func(key string) State {
			claim, err := m.Begin(t.Context(), key, "c")
			if err != nil {
				t.Fatal(err)
			}
			if claim == Claimed {
				_ = m.End(t.Context(), key, "c", true)
			}
			return claim
		}
		for i := range 4 {
			handle(fmt.Sprint(i))
		}
		if handle("3") != AlreadyHandled || handle("1") != AlreadyHandled || handle("0") != Claimed {
			t.Error("it does not forget the oldest")
		}
		time.Sleep(time.Hour)
		if handle("3") != Claimed || len(m.handled) != 1 || m.order.Len() != 1 {
			t.Errorf("it does not forget the old: %d", len(m.handled))
		}
	})
}

func TestMemoryWaitsForWhoIsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, handled := range []bool{true, false} {
			m := newMemory(10, time.Hour)
			if claim, _ := m.Begin(t.Context(), "k", "c"); claim != Claimed {
				t.Fatal(claim)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if claim, err := m.Begin(ctx, "k", "d"); claim != InProgress || err != nil {
				t.Errorf("%v, %v", claim, err)
			}
			cancel()
			second := make(chan State)
			go func() {
				claim, _ := m.Begin(t.Context(), "k", "c")
				second <- claim
			}()
			synctest.Wait()
			_ = m.End(t.Context(), "k", "c", handled)
			if claim := <-second; (claim == AlreadyHandled) != handled {
				t.Errorf("handled %v: %v", handled, claim)
			}
		}
	})
}
