package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

// Whatever goes wrong, and whichever calls it hits, nothing is doubled and nothing is lost.
func TestChaos(t *testing.T) {
	for seed := range uint64(4) {
		c := chaos{checks: 150, workers: 24, rate: 0.2, seed: seed}
		r, err := c.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.verdict(); err != nil {
			var out bytes.Buffer
			r.print(&out)
			t.Errorf("seed %d: %v\n%s", seed, err, out.String())
		}
		total := 0
		for _, n := range r.faults {
			total += n
		}
		if total < 60 {
			t.Errorf("seed %d: only %d faults", seed, total)
		}
	}
}

func TestChaosCommand(t *testing.T) {
	out, err := aver(t.Context(), "chaos", "--checks", "20", "--workers", "4")
	if err != nil || !strings.Contains(out, "checks that callers hold             20") ||
		!strings.Contains(out, "submitted twice                       0") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := aver(t.Context(), "chaos", "--faults", "2"); err == nil {
		t.Error("a rate of 2 was accepted")
	}
	if _, err := aver(t.Context(), "chaos", "--checks", "0"); err == nil {
		t.Error("no checks were accepted")
	}
}

func TestVerdictFindsEveryFault(t *testing.T) {
	good := report{chaos: chaos{checks: 2}, existing: 2, held: 2}
	if err := good.verdict(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*report){
		"duplicate": func(r *report) { r.duplicates++ }, "lost": func(r *report) { r.lost++ }, "twice": func(r *report) { r.twice++ },
		"repeated":    func(r *report) { r.repeats++ },
		"unsubmitted": func(r *report) { r.unsubmitted++ }, "not held": func(r *report) { r.held-- }, "missing": func(r *report) { r.existing-- },
		"goroutine": func(r *report) { r.goroutinesThen++ }, "connection": func(r *report) { r.connections++ },
	} {
		bad := good
		spoil(&bad)
		if bad.verdict() == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// In an outage the service sees hardly more than the calls, and what sees more is noticed.
func TestChaosOfAnOutage(t *testing.T) {
	r, err := outageChaos{chaos{checks: 1000, workers: 16, seed: 1}}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.print(&out)
	if err := r.verdict(); err != nil || len(r.rows) != 4 {
		t.Errorf("%v\n%s", err, out.String())
	}
	all := r.rows[3]
	if all.bounded.succeeded > 0 || all.without.requests != 4*1000 || all.bounded.requests > 1000+150 {
		t.Errorf("when everything fails: %+v", all)
	}
	if first := r.rows[0]; first.bounded.succeeded < 995 {
		t.Errorf("single faults are not repeated as before: %+v", first)
	}
	r.rows[1].bounded.requests = 1400
	if r.verdict() == nil {
		t.Error("1.3 times the calls are not noticed")
	}
	if out, err := aver(t.Context(), "chaos", "outage", "--checks", "50", "--faults", "0.5"); err != nil || !strings.Contains(out, "50 %") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Whichever notifications go wrong and whenever the handler fails, each outcome is handled once, and none that is not true.
func TestChaosOfNotifications(t *testing.T) {
	premature := 0
	for seed := range uint64(3) {
		c := notificationChaos{chaos{checks: 200, workers: 16, rate: 0.7, seed: seed}}
		r, err := c.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		r.print(&out)
		if err := r.verdict(); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, out.String())
		}
		if r.faults[sandbox.NotificationLost] == 0 || r.faults[sandbox.NotificationForged] == 0 || r.failures == 0 || r.rounds == 0 ||
			r.outcomes[webhook.Duplicate] == 0 || r.byNotification == 0 {
			t.Errorf("seed %d: too little went wrong\n%s", seed, out.String())
		}
		premature += r.outcomes[webhook.Premature]
	}
	if premature == 0 {
		t.Error("no lie was told about a check that was not done")
	}
	for _, args := range [][]string{{"--checks", "0"}, {"--workers", "0"}, {"--faults", "2"}} {
		if _, err := aver(t.Context(), append([]string{"chaos", "notifications"}, args...)...); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	out, err := aver(t.Context(), "chaos", "notifications", "--checks", "20", "--faults", "0")
	if err != nil || !strings.Contains(out, "outcomes missed                       0") {
		t.Errorf("%v\n%s", err, out)
	}
}
