package api_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaver/aver-go/api"
)

// In an outage the service sees little more than the calls themselves, and afterwards a single fault is repeated as before.
func TestBudgetBoundsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, faults := 0, math.MaxInt
		client := inBubble(t, func(*http.Request) *http.Response {
			calls++
			if faults > 0 {
				faults--
				return respond(503, "")
			}
			return respond(200, theCheck)
		})
		for range 2000 {
			_, err := client.GetCheck(t.Context(), "c1")
			if !errors.Is(err, api.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		// The reserve is 100, and time earns one in ten seconds.
		if calls > 2000+api.DefaultRetryReserve+10 {
			t.Errorf("2,000 calls became %d", calls)
		}
		_, err := client.GetCheck(t.Context(), "c1")
		if err == nil || !strings.Contains(err.Error(), "it was not repeated, for too many calls fail (WithRetryBudget)") {
			t.Errorf("the error does not say why: %v", err)
		}

		faults = 0
		for range 50 { // which earn ten repetitions
			if _, err := client.GetCheck(t.Context(), "c1"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 10 {
			calls, faults = 0, 1
			if _, err := client.GetCheck(t.Context(), "c1"); err != nil || calls != 2 {
				t.Fatalf("fault %d after the outage: %v after %d attempts", i, err, calls)
			}
		}
	})
}

// A client that makes few calls, and has seen nothing but faults, can still repeat one.
func TestBudgetIsEarnedByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		client := inBubble(t, func(*http.Request) *http.Response { calls++; return respond(503, "") }, api.WithRetryBudget(0.2, 4))
		attempts := func() int {
			calls = 0
			_, _ = client.GetCheck(t.Context(), "c1")
			return calls
		}
		for i, want := range []int{4, 2, 1, 1} { // three repetitions, then the last of the reserve, then none
			if got := attempts(); got != want {
				t.Errorf("call %d: %d attempts, want %d", i, got, want)
			}
		}
		time.Sleep(time.Hour) // a quiet time earns no more than the reserve
		if got := []int{attempts(), attempts(), attempts()}; got[0] != 4 || got[1] != 2 || got[2] != 1 {
			t.Errorf("after an hour: %v", got)
		}
		time.Sleep(12 * time.Second)
		if got := []int{attempts(), attempts()}; got[0] != 2 || got[1] != 1 {
			t.Errorf("after twelve seconds: %v", got)
		}
	})
}

// A reserve of nothing repeats what was earned alone, a negative one has no limit, and a ratio must be a number.
func TestBudgetOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			ratio   float64
			reserve int
			want    int
		}{{0.2, 0, 1}, {0, 2, 3}, {0, -1, 4}} {
			calls := 0
			client := inBubble(t, func(*http.Request) *http.Response { calls++; return respond(503, "") }, api.WithRetryBudget(tt.ratio, tt.reserve))
			if _, err := client.GetCheck(t.Context(), "c1"); err == nil || calls != tt.want {
				t.Errorf("%+v: %d attempts", tt, calls)
			}
		}
	})
	for _, ratio := range []float64{-0.1, math.NaN(), math.Inf(1)} {
		if _, err := api.New("key", "secret", api.WithRetryBudget(ratio, 1)); err == nil {
			t.Errorf("%v is taken", ratio)
		}
	}
}

// Many callers at once spend no more than there is.
func TestBudgetIsShared(t *testing.T) {
	var calls atomic.Int64
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}, api.WithRetryBudget(0.2, 30), api.WithBackoff(api.ExponentialBackoff(time.Microsecond, time.Millisecond)))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 25 {
				_, _ = client.GetCheck(context.Background(), "c1")
			}
		})
	}
	wg.Wait()
	if n := calls.Load(); n != 400+30 {
		t.Errorf("400 calls with 30 repetitions became %d", n)
	}
}

// The repetition after a refused token is none that the budget counts.
func TestBudgetDoesNotCountARefusedToken(t *testing.T) {
	var calls atomic.Int64
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(200, "application/json", theCheck)(w, r)
	}, api.WithRetryBudget(0, 0))
	for range 3 {
		if _, err := client.GetCheck(t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
	}
}

// An unclear outcome of a charged operation is looked into although nothing is left.
func TestBudgetLetsTheStateBeRead(t *testing.T) {
	var reads atomic.Int64
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/submit") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		reads.Add(1)
		answer(200, "application/json", strings.Replace(theCheck, `"status":"Created"`, `"status":"Completed"`, 1))(w, r)
	}, api.WithRetryBudget(0, 0), api.WithRecoveryWindow(0))
	_, err := client.SubmitCheck(t.Context(), "c1")
	if reads.Load() == 0 {
		t.Errorf("the state was not read: %v", err)
	}
}
