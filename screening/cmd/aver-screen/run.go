package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaver/aver-go/screening"
)

// A runner is aver-screen run.
type runner struct {
	store
	named         map[string]string
	kind          screening.Kind
	validate      bool
	yes           bool
	json          bool
	sandbox       bool
	repeat        bool
	again         bool
	baseURL       string
	rate          float64
	concurrency   int
	noWait        bool
	poll          time.Duration
	recheck       time.Duration
	returnURL     string
	listen        string
	webhookHeader string
	out, errs     io.Writer
	in            io.Reader
}

func newRunCommand() *cobra.Command {
	r := &runner{kind: screening.Search}
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Search for everybody in a CSV or JSONL file, or create their checks, or go on with it",
		Long: `run searches watchlists for everybody in FILE, .csv or .jsonl, or creates a check for everybody with --check, and keeps what became
of whom in a database beside it (people.db for people.csv).

A CSV file names its columns in the first line. For a search: firstName and lastName, or businessName; and middleName, country,
stateOrProvince, checkId and id, if they are there. For a check: email; and id, which becomes its third-party identifier, and language.
A dash stands for standard input.

With --check the links to the enrollment are in aver-screen results as soon as the checks are created; each is secret, for its person
alone. run goes on until all persons are done: it looks at each check now and then, and at once when it hears of it (--listen). With
--no-wait it ends when nothing can be done now; run it again to look.`,
		Example: "  aver-screen run people.csv --sandbox\n  aver-screen run people.csv --map surname=lastName --map given=firstName --rate 20\n" +
			"  aver-screen run people.csv --recheck 24h --yes    # every night\n  aver-screen run sellers.csv --check --no-wait",
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r.out, r.errs, r.in = c.OutOrStdout(), c.ErrOrStderr(), c.InOrStdin()
			if err := r.chooseKind(c.Flags()); err != nil {
				return err
			}
			err := r.run(c.Context(), args[0])
			if known := (*exitError)(nil); err != nil && c.Context().Err() != nil && !errors.As(err, &known) {
				return r.failed(c.Context(), err)
			}
			return err
		},
	}
	f := c.Flags()
	f.Bool("search", true, "search watchlists for each row")
	f.Bool("check", false, "create a check for each row")
	f.DurationVar(&r.recheck, "recheck", 0, "search again for whom the results are older, such as 24h")
	f.StringToStringVar(&r.named, "map", nil, "a column that has another name, as surname=lastName; once for each")
	f.BoolVar(&r.validate, "validate", false, "read the file alone, and say what is wrong with it; nothing is sent")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask before anything is sent")
	f.BoolVar(&r.json, "json", false, "tell how far it is in lines of JSON")
	f.BoolVar(&r.sandbox, "sandbox", false, "search in a sandbox of its own, which costs nothing and knows nobody")
	f.BoolVar(&r.repeat, "repeat-unknown", false, "send the rows again of which it is unknown whether they were performed; they may be charged twice")
	f.BoolVar(&r.again, "repeat-refused", false, "send the rows again that were refused")
	f.StringVar(&r.baseURL, "base-url", os.Getenv("AVER_BASE_URL"), "the service; the default is production (AVER_BASE_URL)")
	r.paceFlags(f)
	f.StringVar(&r.database, "database", "", "the database: a file, or a PostgreSQL as postgres://…; the default is a file beside FILE")
	r.store.flags(f)
	return c
}

// chooseKind says what is done for the rows.
func (r *runner) chooseKind(f *pflag.FlagSet) error {
	check, _ := f.GetBool("check")
	search, _ := f.GetBool("search")
	switch {
	case check && f.Changed("search") && search:
		return usage("--search and --check exclude each other; run the file twice, with two databases")
	case !check && !search:
		return usage("nothing is to be done; want --search or --check")
	case check && f.Changed("recheck"):
		return usage("--recheck is for searches: a check is created once for a person")
	case f.Changed("recheck") && r.recheck <= 0:
		return usage("--recheck %v: want a time, such as 24h", r.recheck)
	case check && r.sandbox:
		return usage("--sandbox ends with the command, and its checks with it; start one that stays (aver sandbox) and give --base-url")
	case check:
		r.kind = screening.Check
	}
	return r.checkPace()
}

// checkPace says what is wrong with the flags of paceFlags.
func (r *runner) checkPace() error {
	switch {
	case r.concurrency < 1 || r.concurrency > 4096:
		return usage("--concurrency %d: want 1 to 4096", r.concurrency)
	case !(r.rate >= 0):
		return usage("--rate %v: want more than 0 a second, or 0 for no limit", r.rate)
	case r.poll <= 0:
		return usage("--poll %v: want a time, such as 1m", r.poll)
	}
	return nil
}

func (r *runner) paceFlags(f *pflag.FlagSet) {
	f.BoolVar(&r.noWait, "no-wait", false, "end when nothing can be done now, and do not wait for the persons of checks")
	f.DurationVar(&r.poll, "poll", time.Minute, "look at a check after so long at first; later after a quarter of its age, at most after 6h")
	f.StringVar(&r.returnURL, "return-url", "", "where the enrollment of a check ends; without it a page of the service")
	f.StringVar(&r.listen, "listen", "", "hear notifications at this address, such as 127.0.0.1:8080; needs AVER_WEBHOOK_SECRET")
	f.StringVar(&r.webhookHeader, "webhook-header", "Authorization", "the header in which the portal sends the secret of notifications")
	f.Float64Var(&r.rate, "rate", 0, "send at most so many searches in a second; 0 for no limit")
	f.IntVar(&r.concurrency, "concurrency", 16, "have so many rows under way at once")
}

func (r *runner) run(ctx context.Context, file string) error {
	l, err := r.list(ctx, file)
	if err != nil {
		return err
	}
	if r.validate {
		return r.check(l)
	}
	if r.database == "" {
		r.database = strings.TrimSuffix(file, filepath.Ext(file)) + ".db"
		if r.sandbox { // what it knows nothing of was not searched for
			r.database = strings.TrimSuffix(file, filepath.Ext(file)) + ".sandbox.db"
		}
	}
	rows, closeFile, err := l.open() // before anything is made
	if err != nil {
		return err
	}
	defer closeFile()
	if rows, err = r.begun(ctx, rows); err != nil { // before a database is
		return err
	}
	client, group, stop, err := r.service()
	if err != nil {
		return err
	}
	defer stop()
	s, done, err := r.open(ctx, client, r.pace(group)...)
	if err != nil {
		return err
	}
	defer done()
	if err := r.add(ctx, s, l.name, rows); err != nil {
		return err
	}
	before, err := s.Status(ctx, l.name)
	if err != nil {
		return err
	}
	if before.Left() == 0 {
		return r.end(before)
	}
	if err := r.ask(ctx, before); err != nil {
		return err
	}
	hears, err := r.hear(client, s)
	if err != nil {
		return err
	}
	defer hears()
	return r.work(ctx, s, l.name, before)
}

// begun reads the first row, so that nothing is made for a file that is none.
func (r *runner) begun(ctx context.Context, rows iter.Seq2[screening.Row, error]) (iter.Seq2[screening.Row, error], error) {
	next, stop := iter.Pull2(rows)
	row, err, ok := next()
	if err != nil {
		stop()
		return nil, r.failed(ctx, err)
	}
	return func(yield func(screening.Row, error) bool) {
		defer stop()
		for ok && yield(row, err) && err == nil {
			row, err, ok = next()
		}
	}, nil
}

// failed says that a file, or the adding of its rows, failed.
func (r *runner) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{errors.New("interrupted; run it again to go on"), exitStopped}
	}
	return &exitError{err, exitUsage}
}

// mostNamed is how many rows that break the contract are named.
const mostNamed = 20

// naming names rows that break the contract, and counts them.
func (r *runner) naming(rows iter.Seq2[screening.Row, error], wrong *int) iter.Seq2[screening.Row, error] {
	return func(yield func(screening.Row, error) bool) {
		for row, err := range rows {
			if broken := row.Validate(r.kind); err == nil && broken != nil {
				if *wrong++; *wrong <= mostNamed {
					fmt.Fprintf(r.errs, "%v is not sent: %v\n", row, broken)
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// add adds the rows to the database, names those that break the contract, and has those sent again that are to be.
func (r *runner) add(ctx context.Context, s *screening.Screening, name string, rows iter.Seq2[screening.Row, error]) error {
	before, err := s.Status(ctx, name)
	if err != nil {
		return r.failed(ctx, err)
	}
	wrong := 0
	if before.Total() == 0 { // otherwise they were named before
		rows = r.naming(rows, &wrong)
	}
	_, err = s.Add(ctx, name, r.kind, rows)
	if wrong > mostNamed {
		fmt.Fprintf(r.errs, "and %d more; --validate names a hundred\n", wrong-mostNamed)
	}
	if err != nil {
		return r.failed(ctx, err)
	}
	if r.recheck > 0 {
		_, err = s.Recheck(ctx, name, r.recheck)
	}
	if err == nil && r.repeat {
		_, err = s.Repeat(ctx, name, screening.Unknown)
	}
	if err == nil && r.again {
		_, err = s.Repeat(ctx, name, screening.Refused)
	}
	return err
}

// check reads the file alone.
func (r *runner) check(l list) error {
	rows, closeFile, err := l.open()
	if err != nil {
		return err
	}
	defer closeFile()
	total, wrong := 0, 0
	for row, err := range rows {
		if err != nil {
			return &exitError{err, exitUsage}
		}
		total++
		if err := row.Validate(r.kind); err != nil {
			if wrong++; wrong <= 100 {
				fmt.Fprintf(r.out, "%v: %v\n", row, err)
			}
		}
	}
	if wrong > 0 {
		return usage("%d of %d rows break the contract", wrong, total)
	}
	fmt.Fprintf(r.out, "%d rows, all of them can be sent\n", total)
	return nil
}

// ask says what is about to be sent, and has it confirmed on a terminal.
func (r *runner) ask(ctx context.Context, before screening.Status) error {
	what := map[screening.Kind]string{screening.Search: "searches", screening.Check: "checks"}[r.kind]
	fmt.Fprintf(r.errs, "%d %s, %d done before", before.Rows[screening.Waiting], what, before.Rows[screening.Done])
	if n := before.Rows[screening.Sent] + before.Rows[screening.Sending]; n > 0 {
		fmt.Fprintf(r.errs, ", %d sent before", n)
	}
	if n := before.Rows[screening.Refused]; n > 0 {
		fmt.Fprintf(r.errs, ", %d refused", n)
	}
	if n := before.Rows[screening.Unknown]; n > 0 {
		fmt.Fprintf(r.errs, ", %d unknown", n)
	}
	fmt.Fprintln(r.errs)
	if r.yes || r.sandbox || before.Rows[screening.Waiting] == 0 {
		return nil
	}
	if f, ok := r.in.(*os.File); !ok || !isatty.IsTerminal(f.Fd()) {
		return usage("each may be charged; confirm with --yes")
	}
	fmt.Fprint(r.errs, "Each may be charged. Continue? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case got := <-answer:
		if got == "y" || got == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return &exitError{errors.New("nothing was sent"), exitStopped}
}

// work works, and shows how far it is.
func (r *runner) work(ctx context.Context, s *screening.Screening, name string, before screening.Status) error {
	shown, show := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.show(shown, s, name, before)
	}()
	err := s.Work(ctx, name)
	show()
	<-over
	after, failed := s.Status(context.WithoutCancel(ctx), name)
	switch {
	case errors.Is(err, context.Canceled):
		text := fmt.Sprintf("interrupted: %v; run it again to go on", after)
		if why := err.Error(); why != context.Canceled.Error() { // outcomes that the database did not take
			text += " (" + why + ")"
		}
		return &exitError{errors.New(text), exitStopped}
	case err != nil:
		return fmt.Errorf("%w (%v; run it again to go on)", err, after)
	case failed != nil:
		return failed
	}
	return r.end(after)
}

// end tells what came of it.
func (r *runner) end(s screening.Status) error {
	if r.json {
		fmt.Fprintln(r.out, jsonOf(s))
	} else {
		fmt.Fprintln(r.out, s)
	}
	var left []string
	if n := s.Rows[screening.Unknown]; n > 0 {
		left = append(left, fmt.Sprintf("%d rows are unknown: they may have been performed; see results, mark and run --repeat-unknown", n))
	}
	if n := s.Rows[screening.Refused]; n > 0 {
		left = append(left, fmt.Sprintf("%d rows are refused; results says why", n))
	}
	if len(left) > 0 {
		return &exitError{errors.New(strings.Join(left, "; ")), exitUnknown}
	}
	return nil
}
