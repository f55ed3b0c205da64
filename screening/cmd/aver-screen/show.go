package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/goaver/aver-go/screening"
)

// show shows how far it is until ctx ends: a bar on a terminal, otherwise a line every ten seconds.
func (r *runner) show(ctx context.Context, s *screening.Screening, name string, before screening.Status) {
	every := 10 * time.Second
	tell := func(st screening.Status) { fmt.Fprintln(r.errs, st) }
	if f, ok := r.errs.(*os.File); ok && isatty.IsTerminal(f.Fd()) && !r.json {
		bar := progressbar.NewOptions64(before.Total(), progressbar.OptionSetWriter(r.errs), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
		every = 200 * time.Millisecond
		tell = func(st screening.Status) {
			bar.Describe(about(st))
			_ = bar.Set64(st.Total() - st.Left())
		}
		defer func() { _ = bar.Clear() }()
	} else if r.json {
		every = time.Second
		tell = func(st screening.Status) { fmt.Fprintln(r.out, jsonOf(st)) }
	}
	for pause := every; ; {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		if st, err := s.Status(ctx, name); err == nil {
			tell(st)
		}
		pause = max(every, 30*time.Since(asked)) // counting a million rows takes its time
	}
}

// about says in a few words what a bar does not show.
func about(st screening.Status) string {
	text := fmt.Sprintf("%d with hits, %d refused, %d unknown", st.Hits, st.Rows[screening.Refused], st.Rows[screening.Unknown])
	if n := st.Rows[screening.Sent]; n > 0 {
		text = fmt.Sprintf("%d sent, ", n) + text
	}
	if !st.PausedUntil.IsZero() {
		text += ", paused until " + st.PausedUntil.Format(time.TimeOnly)
	}
	return text
}
