package screening

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/goaver/aver-go/api"
)

// chunk is how many rows are one job of River's.
const chunk = 100

// A chunkArgs is a job: the rows of a list in a range. What is to be done of them the ledger says.
type chunkArgs struct {
	List  string `json:"list" river:"unique"`
	From  int64  `json:"from" river:"unique"`
	To    int64  `json:"to" river:"unique"`
	Start string `json:"start,omitempty" river:"unique"` // which start of a process; empty where several share the database
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
)

// Work works until nothing is left to do in a list, or ctx ends: then what is under way is finished first, which takes some seconds. It
// returns an error when the service refuses the credentials, since then every row would fail. On a database that several processes
// share, it helps with the lists that they work on.
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
	w := &worker{s: s, stopping: ctx, finishing: finishing, fail: cancel}
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return err
	}
	jobs, err := s.db.engine(&river.Config{
		ID: "aver-screening-" + s.id, Workers: workers, Logger: s.options.logger,
		JobTimeout: jobTimeout, RescueStuckJobsAfter: jobTimeout + jobTimeout/2,
		Queues:            map[string]river.QueueConfig{queue: {MaxWorkers: 3}},
		FetchPollInterval: 200 * time.Millisecond, FetchCooldown: 50 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if err := s.ledger.seen(s.id); err != nil {
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
	err = s.watch(ctx, jobs, list)
	if stopped := jobs.Stop(context.WithoutCancel(ctx)); err == nil {
		err = stopped
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
func (s *Screening) watch(ctx context.Context, jobs engine, list string) error {
	tick := time.NewTicker(heartbeat / 4)
	defer tick.Stop()
	var beat, handedOut time.Time
	for {
		left, err := s.ledger.anyLeft(ctx, list)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && !left:
			return nil
		}
		if time.Since(beat) >= heartbeat {
			beat = time.Now()
			err = errors.Join(err, s.ledger.seen(s.id), s.ledger.bury(beat.Add(-deadAfter)))
		}
		if until, paused := s.ledger.paused(ctx); paused == nil {
			s.pace.pause(until)
		}
		if err == nil && time.Since(handedOut) >= handOutAgain {
			if err = s.handOut(ctx, jobs, list); err == nil {
				handedOut = time.Now()
			}
		}
		if err != nil {
			s.options.logger.Warn("the database does not answer as it should", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// handOut makes jobs of the ranges of a list in which something is left.
func (s *Screening) handOut(ctx context.Context, jobs engine, list string) error {
	left, err := s.ledger.left(ctx, list)
	if err != nil {
		return err
	}
	start := ""
	if s.db.alone { // a job of a process that was killed would be in the way
		start = s.id
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
	taken     atomic.Bool             // the service took a row
	refused   atomic.Int32            // how many it refused
}

// mostRefused is how many rows may be refused before the first is taken: then it is not the rows that are wrong.
const mostRefused = 20

// Work does what is left to do of the rows of a job.
func (w *worker) Work(ctx context.Context, job *river.Job[chunkArgs]) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout/2) // so that rows that are under way can be finished
	defer cancel()
	defer context.AfterFunc(w.stopping, cancel)()
	entries, err := w.s.ledger.open(ctx, job.Args.List, job.Args.From, job.Args.To)
	if err != nil {
		return err
	}
	var rows, notes sync.WaitGroup
	for _, e := range entries {
		if e.state == Sending { // by another worker, or one that will be found dead
			continue
		}
		if err := w.s.slots.Acquire(ctx, 1); err != nil {
			break
		}
		rows.Go(func() {
			defer w.s.slots.Release(1)
			w.row(ctx, &notes, job.Args.List, e)
		})
	}
	rows.Wait()
	notes.Wait()
	left, err := w.s.ledger.open(context.WithoutCancel(ctx), job.Args.List, job.Args.From, job.Args.To)
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		return nil
	case ctx.Err() != nil:
		return river.JobSnooze(0)
	}
	return river.JobSnooze(w.s.options.look)
}

// row does what is left to do of a row. What nobody waits for is noted among the notes.
func (w *worker) row(ctx context.Context, notes *sync.WaitGroup, list string, e entry) {
	e.claim = rand.Text()
	if e.state == Waiting {
		id, ok := w.send(ctx, notes, list, e)
		if !ok {
			return
		}
		e.searchID = id
	} else if err := w.s.ledger.adopt(list, e.number, w.s.id, e.claim); err != nil {
		return
	}
	w.read(notes, list, e)
}

// send sends the search of a row that waits. It returns its ID when the service has it.
func (w *worker) send(ctx context.Context, notes *sync.WaitGroup, list string, e entry) (id string, ok bool) {
	s := w.s
	var row Row
	if err := s.unseal(e.person, list, e.number, &row); err != nil {
		w.fail(err)
		return "", false
	}
	answered, err := s.pace.begin(ctx)
	if err != nil {
		return "", false
	}
	claimed, err := s.ledger.claim(list, e.number, s.id, e.claim)
	if err != nil { // it may be claimed all the same, and is free again, for nothing was sent
		s.record(list, e, outcome{state: Waiting})
	}
	if err != nil || !claimed {
		answered(false)
		return "", false
	}
	created, err := s.client.SearchWatchlists(w.finishing, row.Request(s.options.group))
	o, failed, pause := outcomeOf(created, err)
	if pause = max(pause, answered(failed)); pause > 0 {
		s.pause(pause, err)
	}
	if errors.Is(err, api.ErrUnauthorized) || errors.Is(err, api.ErrForbidden) {
		w.fail(fmt.Errorf("screening: %w", err))
	}
	switch {
	case o.state == Sent:
		w.taken.Store(true)
	case o.state == Refused && !w.taken.Load() && w.refused.Add(1) >= mostRefused:
		w.fail(fmt.Errorf("screening: the service refuses every row; the last one because: %w", err))
	}
	notes.Go(func() { s.record(list, e, o) }) // no matter whether before or after the results
	return o.searchID, o.state == Sent
}

// outcomeOf says what came of a search that was sent, whether the service failed, and how long it wants to be left alone.
func outcomeOf(created *api.CreatedWatchlistSearch, err error) (o outcome, failed bool, pause time.Duration) {
	var failure *api.Error
	errors.As(err, &failure)
	switch {
	case err == nil:
		return outcome{state: Sent, searchID: created.ID}, false, 0
	case failure == nil, errors.Is(err, api.ErrOutcomeUnknown):
		return outcome{state: Unknown, reason: err.Error()}, true, 0
	case errors.Is(err, api.ErrRateLimited):
		return outcome{state: Waiting, reason: err.Error()}, false, max(failure.RetryAfter, time.Second)
	case errors.Is(err, api.ErrUnavailable):
		return outcome{state: Waiting, reason: err.Error()}, true, failure.RetryAfter
	case errors.Is(err, api.ErrUnauthorized), errors.Is(err, api.ErrForbidden):
		return outcome{state: Waiting, reason: err.Error()}, false, 0
	case failure.Class == nil: // the call ended before anything was sent
		return outcome{state: Waiting}, false, 0
	}
	return outcome{state: Refused, reason: err.Error()}, false, 0
}

// read reads the results of a search that the service has, if they are there.
func (w *worker) read(notes *sync.WaitGroup, list string, e entry) {
	s := w.s
	found, err := s.client.GetWatchlistSearch(w.finishing, e.searchID)
	if err == nil && !found.Status.Final() {
		return
	}
	var results *api.WatchlistSearchResults
	if err == nil && found.Status == api.WatchlistStatusCompleted {
		results, err = s.client.GetWatchlistSearchResults(w.finishing, e.searchID)
	}
	switch {
	case errors.Is(err, api.ErrNotFound) && e.state == Waiting: // it was sent a moment ago, and what is read may lag
		return
	case errors.Is(err, api.ErrNotFound):
		s.record(list, e, outcome{state: Refused, searchID: e.searchID, reason: "the service no longer has the search"})
	case err != nil:
		return // later
	case results == nil:
		s.record(list, e, outcome{state: Refused, searchID: e.searchID, reason: fmt.Sprintf("the search ended %s", found.Status)})
	default:
		text, err := json.Marshal(results)
		if err != nil {
			return
		}
		o := outcome{
			state: Done, searchID: e.searchID, results: s.options.seal.close(text, list, e.number),
			hits: len(results.WatchlistResults) + len(results.AdverseMediaResults),
		}
		notes.Go(func() { s.record(list, e, o) })
	}
}

// pause has all workers of the database send nothing for a while.
func (s *Screening) pause(d time.Duration, why error) {
	until := time.Now().Add(d)
	s.pace.pause(until)
	if err := s.ledger.pause(until, why.Error()); err != nil {
		s.options.logger.Warn("the others cannot be told to pause", "error", err)
	}
}

// record notes an outcome. It is tried until it is noted: only if the process ends before, the row becomes unknown.
func (s *Screening) record(list string, e entry, o outcome) {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := s.ledger.record(list, e.number, e.claim, o)
		if err == nil || err == errEnded {
			return
		}
		s.options.logger.Warn("an outcome cannot be recorded yet", "row", e.number, "error", err)
		time.Sleep(pause)
	}
}
