package main

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

// A store is where the rows are.
type store struct {
	database string
	keyFile  string
}

func (s *store) flags(f *pflag.FlagSet) {
	f.StringVar(&s.database, "database", "", "the database file; the default is beside the file of rows")
	f.StringVar(&s.keyFile, "key-file", "", "a file with 64 hexadecimal digits, the key that keeps rows and results unreadable (or AVER_SCREENING_KEY)")
}

// key returns the key; nil for none.
func (s *store) key() ([]byte, error) {
	text, from := os.Getenv("AVER_SCREENING_KEY"), "AVER_SCREENING_KEY"
	if s.keyFile != "" {
		content, err := os.ReadFile(s.keyFile)
		if err != nil {
			return nil, &exitError{err, exitUsage}
		}
		text, from = string(content), s.keyFile
	}
	if strings.TrimSpace(text) == "" && s.keyFile == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, usage("%s holds no key; want 64 hexadecimal digits", from)
	}
	return key, nil
}

// open opens the database.
func (s *store) open(ctx context.Context, client *api.Client, opts ...screening.Option) (*screening.Screening, func(), error) {
	key, err := s.key()
	if err != nil {
		return nil, nil, err
	}
	if key != nil {
		opts = append(opts, screening.WithKey(key))
	}
	db, err := screening.SQLite(s.database)
	if err != nil {
		return nil, nil, err
	}
	sc, err := screening.New(ctx, client, db, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return sc, func() {
		sc.Close()
		_ = db.Close()
	}, nil
}

// reader opens a database that is there, to read it.
func (s *store) reader(file string) (*screening.Screening, func(), error) {
	if _, err := os.Stat(file); err != nil {
		return nil, nil, &exitError{err, exitUsage}
	}
	key, err := s.key()
	if err != nil {
		return nil, nil, err
	}
	var opts []screening.Option
	if key != nil {
		opts = append(opts, screening.WithKey(key))
	}
	db, err := screening.SQLite(file)
	if err != nil {
		return nil, nil, err
	}
	sc, err := screening.Read(db, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return sc, func() { _ = db.Close() }, nil
}

func newStatusCommand() *cobra.Command {
	var s store
	var asJSON bool
	c := &cobra.Command{
		Use: "status DATABASE", Short: "Count the rows by where they stand", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			sc, done, err := s.reader(args[0])
			if err != nil {
				return err
			}
			defer done()
			st, err := sc.Status(c.Context(), nameOf(args[0]))
			if err != nil {
				return err
			}
			if asJSON {
				fmt.Fprintln(c.OutOrStdout(), jsonOf(st))
				return nil
			}
			fmt.Fprintln(c.OutOrStdout(), st)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

func jsonOf(s screening.Status) string {
	rows := make(map[string]int64)
	for state, n := range s.Rows {
		rows[string(state)] = n
	}
	text, _ := json.Marshal(map[string]any{"rows": rows, "total": s.Total(), "left": s.Left(), "hits": s.Hits})
	return string(text)
}

func newResultsCommand() *cobra.Command {
	var s store
	format := "csv"
	c := &cobra.Command{
		Use: "results DATABASE", Short: "Write what came of each row, as CSV or JSON lines", Args: cobra.ExactArgs(1),
		Long: "results writes what came of each row. What it writes is personal.",
		RunE: func(c *cobra.Command, args []string) error {
			write := map[string]func(io.Writer) func(screening.Result) error{"csv": csvOf, "jsonl": jsonlOf}[format]
			if write == nil {
				return usage("--format %s: want csv or jsonl", format)
			}
			sc, done, err := s.reader(args[0])
			if err != nil {
				return err
			}
			defer done()
			each := write(c.OutOrStdout())
			for r, err := range sc.Results(c.Context(), nameOf(args[0])) {
				if err != nil {
					return err
				}
				if err := each(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", format, "csv, or jsonl with everything that was found")
	c.Flags().StringVar(&s.keyFile, "key-file", "", "a file with the key of the database (or AVER_SCREENING_KEY)")
	return c
}

// csvOf writes a line for each row.
func csvOf(w io.Writer) func(screening.Result) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"row", "id", "name", "state", "hits", "adverseMedia", "lists", "highestConfidence", "searchId", "reason"})
	return func(r screening.Result) error {
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
		name := r.Row.BusinessName
		if name == "" {
			name = strings.Join(strings.Fields(r.Row.FirstName+" "+r.Row.MiddleName+" "+r.Row.LastName), " ")
		}
		err = errors.Join(err, out.Write([]string{strconv.FormatInt(r.Row.Number, 10), harmless(r.Row.ID), harmless(name), string(r.State), hits, media,
			harmless(strings.Join(lists, "; ")), highest, r.SearchID, harmless(r.Reason)}))
		out.Flush()
		return errors.Join(err, out.Error())
	}
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
		return out.Encode(struct {
			Number   int64                       `json:"number"`
			Row      screening.Row               `json:"row"`
			State    screening.State             `json:"state"`
			Reason   string                      `json:"reason,omitempty"`
			SearchID string                      `json:"searchId,omitempty"`
			Results  *api.WatchlistSearchResults `json:"results,omitempty"`
		}{r.Row.Number, r.Row, r.State, r.Reason, r.SearchID, r.Results})
	}
}

func newMarkCommand() *cobra.Command {
	var s store
	c := &cobra.Command{
		Use: "mark DATABASE ROW waiting|refused", Short: "Say what is to become of a row that is unknown: sent again, or left", Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || number < 1 {
				return usage("%q is no number of a row", args[1])
			}
			client, err := api.New("key", "secret") // which is not used
			if err != nil {
				return err
			}
			s.database = args[0]
			if _, err := os.Stat(s.database); err != nil {
				return &exitError{err, exitUsage}
			}
			sc, done, err := s.open(c.Context(), client)
			if err != nil {
				return err
			}
			defer done()
			if err := sc.Mark(nameOf(s.database), number, screening.State(args[2])); err != nil {
				return &exitError{err, exitUsage}
			}
			return nil
		},
	}
	return c
}
