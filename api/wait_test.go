package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaver/aver-go/api"
)

// Who is woken looks at once, and a little later when what was told cannot be seen yet; otherwise it looks rarely.
func TestWaitThatIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var looks []time.Duration
		client := inBubble(t, func(*http.Request) *http.Response {
			status := "InReview"
			if time.Since(start) > 101*time.Second {
				status = "Completed"
			}
			looks = append(looks, time.Since(start).Round(time.Second))
			return respond(200, strings.Replace(theCheck, "Created", status, 1))
		})
		woken, stops, asked := make(chan struct{}, 1), 0, ""
		go func() {
			time.Sleep(100 * time.Second)
			woken <- struct{}{}
		}()
		check, err := client.WaitForCheck(t.Context(), "c1", api.WithWake(func(id string) (<-chan struct{}, func()) {
			asked = id
			return woken, func() { stops++ }
		}))
		if err != nil || check.Status != api.CheckStatusCompleted || stops != 1 || asked != "c1" {
			t.Errorf("%v, %v, %d stops, asked for %q", check, err, stops, asked)
		}
		at := slices.Index(looks, 100*time.Second)
		if at < 1 || at > 5 || len(looks) != at+2 || looks[at+1] > 102*time.Second || looks[1] < 12*time.Second {
			t.Errorf("looked at %v", looks)
		}
	})
}

func TestWakeOfAnyKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			status := "InReview"
			if looks++; looks == 4 {
				status = "Completed"
			}
			return respond(200, strings.Replace(theCheck, "Created", status, 1))
		})
		closed := make(chan struct{})
		close(closed)
		for name, subscribe := range map[string]func(string) (<-chan struct{}, func()){
			"nothing":          func(string) (<-chan struct{}, func()) { return nil, nil },
			"a closed channel": func(string) (<-chan struct{}, func()) { return closed, nil },
		} {
			looks = 0
			if check, err := client.WaitForCheck(t.Context(), "c1", api.WithWake(subscribe)); err != nil || check == nil || looks != 4 {
				t.Errorf("%s: %v after %d looks", name, err, looks)
			}
		}
		if _, err := client.WaitForCheck(t.Context(), "c1", api.WithWake(nil)); !errors.Is(err, api.ErrInvalidRequest) {
			t.Errorf("%v", fmt.Errorf("no function: %w", err))
		}
	})
}

// Who is woken all the time does not give up sooner, and does not look all the time.
func TestWaitThatIsWokenOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		looks := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			if looks++; time.Since(start) < 10*time.Second {
				return respond(503, "")
			}
			return respond(200, strings.Replace(theCheck, "Created", "Completed", 1))
		}, api.WithMaxAttempts(1))
		woken := make(chan struct{}, 1)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case woken <- struct{}{}:
				case <-stop:
					return
				}
			}
		}()
		check, err := client.WaitForCheck(t.Context(), "c1", api.WithWake(func(string) (<-chan struct{}, func()) {
			return woken,
				func() { close(stop) }
		}))
		if err != nil || check.Status != api.CheckStatusCompleted || looks > 55 {
			t.Errorf("%v, %v after %d looks", check, err, looks)
		}
	})
}
