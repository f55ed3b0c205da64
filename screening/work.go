package screening

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// chunk is how many rows are one job of River's.
const chunk = 100

// A chunkArgs is a job: the rows of a list in a range. What is to be done of them the ledger says.
type chunkArgs struct {
	List  string `json:"list" river:"unique"`
	From  int64  `json:"from" river:"unique"`
	To    int64  `json:"to" river:"unique"`
	Start string `json:"start,omitempty" river:"unique"` // what they are handed out for: the start of a process, the end of another, or nothing
}

// Kind is the name of the job.
func (chunkArgs) Kind() string { return "aver_screening_rows" }

// InsertOpts has a job once at a time.
func (chunkArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queue, MaxAttempts: 25, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

// unfinished are the states of a job that is not done: one that is may be made again.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

const (
	queue      = "aver_screening"
	jobTimeout = 20 * time.Second
	graceful   = 8 * time.Second // what is under way may take so long when the work is to stop
	lastWords  = 3 * time.Second // and then recording what became of it, when the database does not answer
)

// Work works until nothing is left to do in a list, or ctx ends: then what is under way is finished first, which takes some seconds. It
// returns an error when the service refuses the credentials, since then every row would fail. On a database that several processes
// share, it helps with the lists that they work on.
//
// A [Check] is done when its person is, which takes days: WithoutWaiting has Work return when nothing can be done now.
func (s *Screening) Work(ctx context.Context, list string) error {
	if s.options.group == "" {
		return errors.New("screening: the check group is missing; give it with WithGroup")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := river.NewWorkers()
	finishing, finished := context.WithCancel(context.WithoutCancel(ctx))
	defer finished()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(graceful, finished)
		context.AfterFunc(finishing, func() { timer.Stop() })
	})()
	if err := s.enlist(ctx, list, ""); err != nil {
		return err
	}
	recording, gaveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer gaveUp()
	context.AfterFunc(finishing, func() { time.AfterFunc(lastWords, gaveUp) })
	w := &worker{
		s: s, stopping: ctx, finishing: finishing, recording: recording, fail: cancel,
		waiting: make(chan *task), claimed: make(chan *task), over: make(chan struct{}, 1),
	}
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return err
	}
	jobs, err := s.db.engine(&river.Config{
		ID: "aver-screening-" + s.id, Workers: workers, Logger: s.options.logger,
		JobTimeout: jobTimeout, RescueStuckJobsAfter: jobTimeout + jobTimeout/2,
		Queues:            map[string]river.QueueConfig{queue: {MaxWorkers: 8}},
		FetchPollInterval: 100 * time.Millisecond, FetchCooldown: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if err := s.ledger.seen(ctx, s.id); err != nil {
		return err
	}
	if s.db.alone { // what processes before this one left is handed out anew
		if err := forget(ctx, jobs); err != nil {
			return err
		}
	}
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	ended := w.start()
	err = w.watch(ctx, jobs, list)
	cancel(err)
	ended()
	soon, cancelSoon := context.WithTimeout(context.WithoutCancel(ctx), graceful+2*lastWords)
	defer cancelSoon()
	stopped := jobs.Stop(soon)
	if err == nil {
		err = stopped
	}
	if err := s.ledger.leaves(soon, s.id); err != nil {
		s.options.logger.Warn("the others will find out that this worker has ended", "error", err)
	}
	if n := w.lost.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("screening: the database did not take what became of %d rows, which will be unknown", n))
	}
	return err
}

// forget deletes the jobs that are not running.
func forget(ctx context.Context, jobs engine) error {
	for {
		deleted, err := jobs.JobDeleteMany(ctx, river.NewJobDeleteManyParams().Queues(queue).First(5000))
		if err != nil || len(deleted.Jobs) == 0 {
			return err
		}
	}
}

// How often what is left is handed out again, for what was lost on the way.
const handOutAgain = time.Minute

// watch has what is left worked on until nothing is, tells the others that this worker lives, and hears when all are to pause.
func (w *worker) watch(ctx context.Context, jobs engine, list string) error {
	s := w.s
	by := int64(math.MaxInt64) // what is left to do by then, it goes on for
	if !s.options.wait {
		by = now()
	}
	tick := time.NewTicker(heartbeat / 4)
	defer tick.Stop()
	var beat, handedOut time.Time
	for {
		left, err := s.ledger.anyLeft(ctx, list, by)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && !left:
			return nil
		}
		if time.Since(beat) >= heartbeat {
			beat = time.Now()
			if removed := s.db.there(); removed != nil {
				w.fail(removed)
				return removed
			}
			dead, buried := s.ledger.bury(ctx, deadAfter)
			err = errors.Join(err, s.ledger.seen(ctx, s.id), buried)
			for _, worker := range dead { // whose jobs count as running until River rescues them
				err = errors.Join(err, s.handOut(ctx, jobs, list, worker))
			}
		}
		if left, _, paused := s.ledger.paused(ctx); paused == nil && left > 0 {
			s.pace.pause(time.Now().Add(left))
		}
		if err == nil && time.Since(handedOut) >= handOutAgain {
			start := ""
			if s.db.alone { // a job of a process that was killed would be in the way
				start = s.id
			}
			if err = s.handOut(ctx, jobs, list, start); err == nil {
				handedOut = time.Now()
			}
		}
		if err != nil {
			s.options.logger.Warn("the database does not answer as it should", "error", err)
		}
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				waiting = false
			case <-w.over:
				left, err := s.ledger.anyLeft(ctx, list, by)
				waiting = left || err != nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
}

// handOut makes jobs of the ranges of a list in which something is left.
func (s *Screening) handOut(ctx context.Context, jobs engine, list, start string) error {
	left, err := s.ledger.left(ctx, list, now())
	if err != nil {
		return err
	}
	for len(left) > 0 {
		n := min(len(left), 500)
		params := make([]river.InsertManyParams, n)
		for i, from := range left[:n] {
			params[i].Args = chunkArgs{list, from, from + chunk - 1, start}
		}
		if _, err := jobs.InsertManyFast(ctx, params); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// A worker works on jobs.
type worker struct {
	river.WorkerDefaults[chunkArgs]
	s         *Screening
	stopping  context.Context         // ends when no row is to be begun
	finishing context.Context         // ends when those that are under way have had their time
	fail      context.CancelCauseFunc // for what concerns all rows
	waiting   chan *task              // from the jobs
	claimed   chan *task              // may be sent: the intent to is committed
	over      chan struct{}           // a job is: perhaps it was the last one
	recording context.Context         // ends when what became of them has had its time to be recorded
	taken     atomic.Bool             // the service took a row
	refused   atomic.Int32            // how many it refused since then
	lost      atomic.Int64            // how many outcomes were not recorded
}

// A task is a row that something is left to do of.
type task struct {
	entry
	rows *sync.WaitGroup // of the job; the task is one of them until it is over
}

// Work does what is left to do of the rows of a job.
func (w *worker) Work(ctx context.Context, job *river.Job[chunkArgs]) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout/2) // so that rows that are under way can be finished
	defer cancel()
	defer context.AfterFunc(w.stopping, cancel)()
	entries, err := w.s.ledger.open(ctx, job.Args.List, job.Args.From, job.Args.To)
	if err != nil {
		return err
	}
	var rows sync.WaitGroup
	for _, e := range entries {
		if !w.begin(ctx, &task{e, &rows}) {
			break
		}
	}
	rows.Wait()
	left, err := w.s.ledger.open(context.WithoutCancel(ctx), job.Args.List, job.Args.From, job.Args.To)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil && len(left) > 0:
		return river.JobSnooze(0)
	}
	if pause := w.s.pauseBefore(left); pause < handOutAgain {
		return river.JobSnooze(pause)
	}
	select {
	case w.over <- struct{}{}:
	default:
	}
	return nil // it is handed out again when its time has come
}

// begin begins with a row. It reports false when ctx has ended.
func (w *worker) begin(ctx context.Context, t *task) bool {
	switch {
	case t.state == Sending || t.state == Sent && t.lookAt > now(): // by another worker, or one that will be found dead; or later
		return ctx.Err() == nil
	case t.state == Sent:
		if w.s.pace.wait(ctx) != nil || w.s.slots.Acquire(ctx, 1) != nil {
			return false
		}
		t.rows.Go(func() {
			defer w.s.slots.Release(1)
			t.claim = newClaim()
			if err := w.s.ledger.adopt(w.finishing, t.list, t.number, w.s.id, t.claim); err == nil {
				w.look(t)
			}
		})
		return true
	}
	t.rows.Add(1)
	select {
	case w.waiting <- t:
		return true
	case <-ctx.Done():
		t.rows.Done()
		return false
	}
}

// newClaim returns a name for a claim.
func newClaim() string { return rand.Text() }

// pauseBefore returns how long nothing can be done of rows; more than handOutAgain when nothing is left of them.
func (s *Screening) pauseBefore(left []entry) time.Duration {
	pause := 2 * handOutAgain
	for _, e := range left {
		until := s.options.look
		if e.state == Sent {
			until = max(until, time.Until(time.UnixMilli(e.lookAt)))
		}
		pause = min(pause, until)
	}
	return pause
}

// pause has all workers of the database send nothing for a while.
func (w *worker) pause(d time.Duration, why error) {
	d = min(d, longestAsked)
	w.s.pace.pause(time.Now().Add(d))
	if err := w.s.ledger.pause(w.recording, d, why.Error()); err != nil {
		w.s.options.logger.Warn("the others cannot be told to pause", "error", err)
	}
}

// record notes an outcome. It is tried until it is noted, or ctx ends: only then, and if the process ends before, it is unclear what
// became of the row.
func (s *Screening) record(ctx context.Context, e entry, o outcome) error {
	o.reason, o.serviceID = storable(o.reason), storable(o.serviceID)
	n := &note{outcome: o, list: e.list, number: e.number, token: e.claim}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := s.ledger.record(ctx, n)
		if err == nil || err == errEnded || ctx.Err() != nil {
			return err
		}
		s.options.logger.Warn("an outcome cannot be recorded yet", "row", e.number, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// storable is a text as PostgreSQL takes it: what the service says may be anything.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
