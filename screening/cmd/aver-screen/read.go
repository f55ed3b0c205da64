package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

func newStatusCommand() *cobra.Command {
	var s store
	var asJSON bool
	c := &cobra.Command{
		Use: "status DATABASE", Short: "Count the rows by where they stand", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			sc, done, err := s.read(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer done()
			st, err := sc.Status(c.Context(), s.list)
			if err != nil {
				return err
			}
			if asJSON {
				fmt.Fprintln(c.OutOrStdout(), jsonOf(st))
				return nil
			}
			rate := ""
			if st.Left() > 0 {
				if rate, err = rateOf(c.Context(), sc, s.list, st); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%v%s\n", st, rate)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	s.flags(c.Flags())
	return c
}

// rateOf looks for a second whether somebody works on a list, and says how fast, and how long it will take.
func rateOf(ctx context.Context, sc *screening.Screening, list string, before screening.Status) (string, error) {
	start := time.Now()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return "", &exitError{errors.New("interrupted"), exitStopped}
	}
	after, err := sc.Status(ctx, list)
	if err != nil {
		return "", err
	}
	return inTime(before.Left()-after.Left(), after.Left(), time.Since(start)), nil
}

// inTime says how fast rows are done of which so many are left; nothing when none were.
func inTime(done, left int64, took time.Duration) string {
	if done <= 0 {
		return ""
	}
	rate := float64(done) / took.Seconds()
	return fmt.Sprintf("; %.0f a second, %v left", rate, time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
}

func jsonOf(s screening.Status) string {
	rows := make(map[string]int64)
	for state, n := range s.Rows {
		if n > 0 {
			rows[string(state)] = n
		}
	}
	all := map[string]any{"rows": rows, "total": s.Total(), "left": s.Left(), "hits": s.Hits}
	if !s.PausedUntil.IsZero() {
		all["pausedUntil"], all["pausedFor"] = s.PausedUntil, s.PausedFor
	}
	text, _ := json.Marshal(all)
	return string(text)
}

func newResultsCommand() *cobra.Command {
	var s store
	format, output := "csv", ""
	c := &cobra.Command{
		Use: "results DATABASE", Short: "Write what came of each row, as CSV, JSON lines or an HTML page", Args: args(cobra.ExactArgs(1)),
		Long: "results writes what came of each row. What it writes is personal.",
		RunE: func(c *cobra.Command, args []string) error {
			write := map[string]func(io.Writer) func(screening.Result) error{"csv": csvOf, "jsonl": jsonlOf}[format]
			if write == nil && format != "html" {
				return usage("--format %s: want csv, jsonl or html", format)
			}
			sc, done, err := s.read(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer done()
			each := func(do func(screening.Result) error) error {
				for r, err := range sc.Results(c.Context(), s.list) {
					if err != nil {
						return err
					}
					if err := do(r); err != nil {
						return err
					}
				}
				return nil
			}
			out, closeOutput, err := outputOf(c, output)
			if err != nil {
				return err
			}
			if write != nil {
				err = each(write(out))
			} else if st, counted := sc.Status(c.Context(), s.list); counted != nil {
				err = counted
			} else {
				err = writeHTML(out, s.list, st, each)
			}
			return errors.Join(err, closeOutput())
		},
	}
	c.Flags().StringVar(&format, "format", format, "csv; jsonl, with everything that was found; or html, a page to look at")
	c.Flags().StringVarP(&output, "output", "o", "", "a file, which is made readable by its owner alone; the default is standard output")
	s.flags(c.Flags())
	return c
}

// outputOf returns a file, or standard output when there is no name.
func outputOf(c *cobra.Command, name string) (io.Writer, func() error, error) {
	if name == "" {
		return c.OutOrStdout(), func() error { return nil }, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Chmod(0o600) // one that was there
	}
	if err != nil {
		return nil, nil, &exitError{err, exitUsage}
	}
	return f, f.Close, nil
}

// The columns of a CSV of results, by what the rows are.
var resultColumns = map[screening.Kind][]string{
	screening.Search: {"row", "id", "name", "state", "hits", "adverseMedia", "lists", "highestConfidence", "searchId", "at", "reason"},
	screening.Check:  {"row", "id", "email", "state", "status", "statusReason", "warnings", "checkId", "at", "reason", "link"},
}

// csvOf writes a line for each row.
func csvOf(w io.Writer) func(screening.Result) error {
	out := csv.NewWriter(w)
	var err error
	named := false
	return func(r screening.Result) error {
		if !named {
			named, err = true, out.Write(resultColumns[r.Kind])
		}
		record := searchRecord
		if r.Kind == screening.Check {
			record = checkRecord
		}
		err = errors.Join(err, out.Write(record(r)))
		out.Flush()
		return errors.Join(err, out.Error())
	}
}

func searchRecord(r screening.Result) []string {
	hits, media, lists, highest := "", "", []string{}, ""
	if found := r.Results; found != nil {
		hits, media = strconv.Itoa(len(found.WatchlistResults)), strconv.Itoa(len(found.AdverseMediaResults))
		most := -1.0
		for _, hit := range found.WatchlistResults {
			lists = append(lists, hit.WatchlistName)
			if hit.MatchConfidence != nil {
				most = max(most, *hit.MatchConfidence)
			}
		}
		if most >= 0 {
			highest = strconv.FormatFloat(most, 'f', -1, 64)
		}
	}
	return []string{strconv.FormatInt(r.Row.Number, 10), harmless(r.Row.ID), harmless(nameOfRow(r.Row)),
		string(r.State), hits, media, harmless(strings.Join(lists, "; ")), highest, r.ServiceID, atOf(r), harmless(r.Reason)}
}

func checkRecord(r screening.Result) []string {
	status, reason, warnings := "", "", []string{}
	if c := r.Check; c != nil {
		status, reason = string(c.Status), string(c.StatusReason)
		for _, warning := range c.Warnings {
			warnings = append(warnings, string(warning))
		}
	}
	return []string{strconv.FormatInt(r.Row.Number, 10), harmless(r.Row.ID), harmless(r.Row.Email), string(r.State), harmless(status),
		harmless(reason), harmless(strings.Join(warnings, "; ")), r.ServiceID, atOf(r), harmless(r.Reason), harmless(r.Link)}
}

// atOf is when the results came; empty before.
func atOf(r screening.Result) string {
	if r.At.IsZero() {
		return ""
	}
	return r.At.UTC().Format(time.RFC3339)
}

func nameOfRow(r screening.Row) string {
	if r.BusinessName != "" {
		return r.BusinessName
	}
	return strings.Join(strings.Fields(r.FirstName+" "+r.MiddleName+" "+r.LastName), " ")
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// jsonlOf writes a JSON object for each row, with everything that was found.
func jsonlOf(w io.Writer) func(screening.Result) error {
	out := json.NewEncoder(w)
	return func(r screening.Result) error {
		line := struct {
			Number   int64                       `json:"number"`
			Row      screening.Row               `json:"row"`
			State    screening.State             `json:"state"`
			Reason   string                      `json:"reason,omitempty"`
			SearchID string                      `json:"searchId,omitempty"`
			CheckID  string                      `json:"checkId,omitempty"`
			At       string                      `json:"at,omitempty"`
			Results  *api.WatchlistSearchResults `json:"results,omitempty"`
			Check    *api.CheckResults           `json:"check,omitempty"`
			Link     string                      `json:"link,omitempty"`
		}{r.Row.Number, r.Row, r.State, r.Reason, r.ServiceID, "", atOf(r), r.Results, r.Check, r.Link}
		if r.Kind == screening.Check {
			line.SearchID, line.CheckID = "", r.ServiceID
		}
		return out.Encode(line)
	}
}

// editing opens a database that is there, to change what becomes of its rows; nothing is sent.
func (s *store) editing(ctx context.Context, database string) (*screening.Screening, func(), error) {
	_, done, err := s.read(ctx, database) // before anything is made in what may be another program's
	if err != nil {
		return nil, nil, err
	}
	done()
	client, err := api.New("key", "secret") // which is not used
	if err != nil {
		return nil, nil, err
	}
	return s.open(ctx, client)
}

func newMarkCommand() *cobra.Command {
	var s store
	c := &cobra.Command{
		Use: "mark DATABASE ROW waiting|refused", Args: args(cobra.ExactArgs(3)),
		Short: "Say what is to become of a row that is unknown or refused: sent again, or left",
		RunE: func(c *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || number < 1 {
				return usage("%q is no number of a row", args[1])
			}
			sc, done, err := s.editing(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer done()
			if err := sc.Mark(c.Context(), s.list, number, screening.State(args[2])); err != nil {
				return &exitError{err, exitUsage}
			}
			return nil
		},
	}
	s.flags(c.Flags())
	return c
}

func newPurgeCommand() *cobra.Command {
	var s store
	var id string
	var all bool
	c := &cobra.Command{
		Use: "purge DATABASE --id ID|--all", Args: args(cobra.ExactArgs(1)),
		Short: "Forget a person, or all rows that are done or refused, with what came of them",
		RunE: func(c *cobra.Command, args []string) error {
			if (id == "") == !all {
				return usage("say whom to forget: --id, or --all for all that are done or refused")
			}
			sc, done, err := s.editing(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer done()
			n, err := sc.Purge(c.Context(), s.list, id)
			if err != nil {
				return err
			}
			if n == 0 && id != "" {
				return usage("no row of %s has this id, or its search is under way", s.list)
			}
			fmt.Fprintf(c.OutOrStdout(), "%d rows are forgotten\n", n)
			return nil
		},
	}
	c.Flags().StringVar(&id, "id", "", "the rows that have this id")
	c.Flags().BoolVar(&all, "all", false, "all rows that are done or refused")
	s.flags(c.Flags())
	return c
}
