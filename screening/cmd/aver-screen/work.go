package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/screening"
)

// newWorkCommand is one more worker for what others have begun.
func newWorkCommand() *cobra.Command {
	r := &runner{kind: screening.Search}
	c := &cobra.Command{
		Use:   "work --database postgres://…",
		Short: "Help with what runs elsewhere have begun, from any machine",
		Long: `work sends what is left to do of the lists of a PostgreSQL, beside the processes that do so already, and ends when nothing is left. It
asks nothing: whoever ran the list has confirmed it, and gives the same --return-url.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			r.out, r.errs, r.in = c.OutOrStdout(), c.ErrOrStderr(), c.InOrStdin()
			if err := r.checkPace(); err != nil {
				return err
			}
			if !r.isPostgres() {
				return usage("--database wants the address of a PostgreSQL, as postgres://…")
			}
			client, group, stop, err := r.service()
			if err != nil {
				return err
			}
			defer stop()
			s, done, err := r.open(c.Context(), client, r.pace(group)...)
			if err != nil {
				return err
			}
			defer done()
			if err := r.choose(c.Context(), s); err != nil {
				return err
			}
			hears, err := r.hear(client, s)
			if err != nil {
				return err
			}
			defer hears()
			before, err := s.Status(c.Context(), r.store.list)
			if err != nil {
				return err
			}
			return r.work(c.Context(), s, r.store.list, before)
		},
	}
	f := c.Flags()
	f.StringVar(&r.database, "database", "", "the PostgreSQL, as postgres://…")
	f.BoolVar(&r.json, "json", false, "tell how far it is in lines of JSON")
	f.StringVar(&r.baseURL, "base-url", os.Getenv("AVER_BASE_URL"), "the service; the default is production (AVER_BASE_URL)")
	r.paceFlags(f)
	r.store.flags(f)
	return c
}
