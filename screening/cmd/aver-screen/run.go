package main

import (
	"bufio"
	"cmp"
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
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
)

// A runner is aver-screen run.
type runner struct {
	store
	named       map[string]string
	kind        screening.Kind
	validate    bool
	yes         bool
	json        bool
	sandbox     bool
	repeat      bool
	baseURL     string
	rate        float64
	concurrency int
	out, errs   io.Writer
	in          io.Reader
}

func newRunCommand() *cobra.Command {
	r := &runner{kind: screening.Search}
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Search for everybody in a CSV or JSONL file, or go on with it",
		Long: `run searches for everybody in FILE, .csv or .jsonl, and keeps what became of whom in a database beside it (people.db for
people.csv). A CSV file names its columns in the first line: firstName and lastName, or businessName; and middleName, country,
stateOrProvince, checkId and id, if they are there. A dash stands for standard input.`,
		Example: "  aver-screen run people.csv --sandbox\n  aver-screen run people.csv --map surname=lastName --map given=firstName --rate 20",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r.out, r.errs, r.in = c.OutOrStdout(), c.ErrOrStderr(), c.InOrStdin()
			return r.run(c.Context(), args[0])
		},
	}
	f := c.Flags()
	f.StringToStringVar(&r.named, "map", nil, "a column that has another name, as surname=lastName; once for each")
	f.BoolVar(&r.validate, "validate", false, "read the file alone, and say what is wrong with it; nothing is sent")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask before anything is sent")
	f.BoolVar(&r.json, "json", false, "tell how far it is in lines of JSON")
	f.BoolVar(&r.sandbox, "sandbox", false, "search in a sandbox of its own, which costs nothing and knows nobody")
	f.BoolVar(&r.repeat, "repeat-unknown", false, "send the rows again of which it is unknown whether they were performed; they may be charged twice")
	f.StringVar(&r.baseURL, "base-url", os.Getenv("AVER_BASE_URL"), "the service; the default is production (AVER_BASE_URL)")
	r.paceFlags(f)
	f.StringVar(&r.database, "database", "", "the database: a file, or a PostgreSQL as postgres://…; the default is a file beside FILE")
	r.store.flags(f)
	return c
}

func (r *runner) paceFlags(f *pflag.FlagSet) {
	f.Float64Var(&r.rate, "rate", 0, "send at most so many searches in a second; 0 for no limit")
	f.IntVar(&r.concurrency, "concurrency", 16, "have so many rows under way at once")
}

// A list is a file of rows.
type list struct {
	name string // what it is called in the database
	open func() (iter.Seq2[screening.Row, error], func() error, error)
}

func (r *runner) list(file string) (list, error) {
	if file == "-" {
		return r.piped()
	}
	read := map[string]func(io.Reader) iter.Seq2[screening.Row, error]{
		".csv":   func(in io.Reader) iter.Seq2[screening.Row, error] { return screening.CSV(in, r.kind, r.named) },
		".jsonl": screening.JSONL,
	}[strings.ToLower(filepath.Ext(file))]
	if read == nil {
		return list{}, usage("%s: want a .csv or a .jsonl file", file)
	}
	return list{cmp.Or(r.store.list, nameOf(file)), func() (iter.Seq2[screening.Row, error], func() error, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, nil, &exitError{err, exitUsage}
		}
		return read(f), f.Close, nil
	}}, nil
}

// piped is what comes from standard input: JSON when it begins with a brace, otherwise CSV.
func (r *runner) piped() (list, error) {
	if r.database == "" && !r.validate {
		return list{}, usage("what comes from standard input needs --database")
	}
	in := bufio.NewReader(r.in)
	read := func(in io.Reader) iter.Seq2[screening.Row, error] { return screening.CSV(in, r.kind, r.named) }
	if first, _ := in.Peek(1); string(first) == "{" {
		read = screening.JSONL
	}
	return list{cmp.Or(r.store.list, "stdin"), func() (iter.Seq2[screening.Row, error], func() error, error) {
		return read(in), func() error { return nil }, nil
	}}, nil
}

// nameOf returns the name of a list: that of its file, without folder and extension.
func nameOf(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func (r *runner) run(ctx context.Context, file string) error {
	l, err := r.list(file)
	if err != nil {
		return err
	}
	if r.validate {
		return r.check(l)
	}
	if r.database == "" {
		r.database = strings.TrimSuffix(file, filepath.Ext(file)) + ".db"
	}
	rows, closeFile, err := l.open() // before anything is made
	if err != nil {
		return err
	}
	defer closeFile()
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
	added, err := s.Add(ctx, l.name, r.kind, rows)
	if err != nil {
		return &exitError{err, exitUsage}
	}
	if r.repeat {
		if _, err := s.RepeatUnknown(l.name); err != nil {
			return err
		}
	}
	before, err := s.Status(ctx, l.name)
	if err != nil {
		return err
	}
	if before.Left() == 0 {
		return r.end(before)
	}
	if err := r.ask(ctx, before, added); err != nil {
		return err
	}
	return r.work(ctx, s, l.name, before)
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

// service returns the client and the check group.
func (r *runner) service() (*api.Client, string, func(), error) {
	if r.sandbox {
		sb, err := sandbox.Listen(sandbox.WithProcessing(0, 0))
		if err != nil {
			return nil, "", nil, err
		}
		client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
		return client, sb.GroupID, func() { _ = sb.Close() }, err
	}
	var opts []api.Option
	if r.baseURL != "" {
		opts = append(opts, api.WithBaseURL(r.baseURL))
	}
	values := make(map[string]string)
	for _, name := range []string{"AVER_API_KEY", "AVER_API_SECRET", "AVER_GROUP_ID"} {
		if values[name] = os.Getenv(name); values[name] == "" {
			return nil, "", nil, usage("%s is not set; set it, or try --sandbox", name)
		}
	}
	client, err := api.New(values["AVER_API_KEY"], values["AVER_API_SECRET"], opts...)
	if err != nil {
		return nil, "", nil, &exitError{err, exitUsage}
	}
	return client, values["AVER_GROUP_ID"], func() { _ = client.Close() }, nil
}

// ask says what is about to be sent, and has it confirmed on a terminal.
func (r *runner) ask(ctx context.Context, before screening.Status, added screening.Added) error {
	fmt.Fprintf(r.errs, "%d searches, %d done before", before.Left(), before.Rows[screening.Done])
	if n := before.Rows[screening.Refused]; n > 0 {
		fmt.Fprintf(r.errs, ", %d refused", n)
	}
	if n := before.Rows[screening.Unknown]; n > 0 {
		fmt.Fprintf(r.errs, ", %d unknown", n)
	}
	fmt.Fprintln(r.errs)
	if r.yes || r.sandbox {
		return nil
	}
	if f, ok := r.in.(*os.File); !ok || !isatty.IsTerminal(f.Fd()) {
		return usage("each search may be charged; confirm with --yes")
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
		return &exitError{fmt.Errorf("interrupted: %v; run it again to go on", after), exitStopped}
	case err != nil:
		return fmt.Errorf("%w (%v; run it again to go on)", err, after)
	case failed != nil:
		return failed
	}
	return r.end(after)
}

// end tells what came of it.
func (r *runner) end(s screening.Status) error {
	fmt.Fprintln(r.out, s)
	if n := s.Rows[screening.Unknown]; n > 0 {
		return &exitError{fmt.Errorf("%d rows are unknown: they may have been performed; see aver-screen results, mark and run --repeat-unknown", n),
			exitUnknown}
	}
	return nil
}

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
			bar.Describe(fmt.Sprintf("%d with hits, %d refused, %d unknown", st.Hits, st.Rows[screening.Refused], st.Rows[screening.Unknown]))
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
