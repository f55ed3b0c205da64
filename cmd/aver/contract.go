package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/suite"
)

func newContractCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract",
		Short: "Hold traffic against openapi.yaml",
	}
	h := &holding{}
	h.spec.flags(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&h.propose, "propose", "", "write what differs as an OpenAPI Overlay that makes the contract allow it")
	cmd.AddCommand(&cobra.Command{
		Use:   "run",
		Short: "Call every operation and check both sides",
		Long: `Run calls every operation of a service with the client and reports where one of them differs from the contract. It
runs on a sandbox of its own, or, when AVER_API_KEY, AVER_API_SECRET and AVER_GROUP_ID are set, on the real service (or the
one that AVER_BASE_URL names). A check on the real service costs money unless the key is a Test API key.

The exit status is 0 when both sides keep the contract, 1 when one does not, and 2 when nothing could be told.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return h.run(cmd.Context(), cmd.OutOrStdout(), accountFromEnv())
		},
	}, &cobra.Command{
		Use:   "check FILE.har",
		Short: "Check recorded traffic (HTTP Archive)",
		Long: `Check holds the exchanges of an HTTP Archive (HAR 1.2), as browsers, proxies and contract.Record write it, against the
contract. - stands for standard input.

The exit status is 0 when they keep the contract, 1 when one does not, 2 when nothing could be told, and 3 when no exchange
concerns an operation of the contract.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return h.check(cmd.OutOrStdout(), cmd.InOrStdin())
			}
			f, err := os.Open(args[0])
			if err != nil {
				return exit(2, err)
			}
			defer f.Close()
			return h.check(cmd.OutOrStdout(), f)
		},
	})
	return oneOf(cmd)
}

// A holding holds traffic against a contract.
type holding struct {
	spec    document
	propose string // a file, or nothing

	contract *contract.Contract
	ledger   *contract.Ledger
	drift    *contract.Drift
}

// begin reads the contract.
func (h *holding) begin() ([]contract.Option, error) {
	c, err := checked(&h.spec)
	if err != nil {
		return nil, exit(2, err)
	}
	h.contract, h.ledger, h.drift = c, &contract.Ledger{Contract: c}, &contract.Drift{Contract: c}
	return []contract.Option{contract.WithContract(c), contract.WithLedger(h.ledger), contract.WithDrift(h.drift)}, nil
}

// end writes the proposal and says what is in it.
func (h *holding) end(out io.Writer) error {
	differences := h.drift.Differences()
	if h.propose == "" || len(differences) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	overlay, proposed := h.drift.Overlay(), 0
	for _, d := range differences {
		mark := "by hand "
		if d.Proposed {
			mark, proposed = "proposed", proposed+1
		}
		fmt.Fprintf(out, "%s  %s\n", mark, d)
	}
	if overlay == nil {
		fmt.Fprintf(out, "\nNothing can be proposed; %s is not written.\n", h.propose)
		return nil
	}
	if err := os.WriteFile(h.propose, overlay, 0o644); err != nil {
		return exit(2, err)
	}
	fmt.Fprintf(out, "\n%d of %d differences are proposed in %s. Read it before it is applied.\n", proposed, len(differences), h.propose)
	return nil
}

// checked returns the contract to check against.
func checked(d *document) (*contract.Contract, error) {
	if !d.given() {
		return contract.Embedded(), nil
	}
	read, err := d.read()
	if err != nil {
		return nil, err
	}
	c, err := contract.New(read.Text)
	if err != nil {
		return nil, read.Blame(errors.New(strings.TrimPrefix(err.Error(), "contract: ")))
	}
	return c, nil
}

// run calls every operation.
func (h *holding) run(ctx context.Context, out io.Writer, a account) error {
	opts, err := h.begin()
	if err != nil {
		return err
	}
	a, where, stop, err := a.target()
	if err != nil {
		return exit(2, err)
	}
	defer stop()
	target := suite.Target{URL: cmp.Or(a.baseURL, authprovider.DefaultBaseURL), Key: a.key, Secret: a.secret, GroupID: a.groupID}
	findings, err := suite.Run(ctx, target, opts...)
	if err != nil {
		return exit(2, err)
	}
	fmt.Fprintf(out, "Every operation, on %s\n\n%s\n", where, h.ledger.Report())
	for i, f := range findings {
		fmt.Fprintf(out, "%d. %s\n", i+1, f)
	}
	if len(findings) == 0 {
		fmt.Fprintln(out, "Both sides keep the contract.")
	}
	if err := h.end(out); err != nil {
		return err
	}
	if len(findings) > 0 {
		return exit(1, fmt.Errorf("the service and the contract differ in %s", plural(len(findings), "place")))
	}
	return nil
}

// check checks an archive.
func (h *holding) check(out io.Writer, archive io.Reader) error {
	opts, err := h.begin()
	if err != nil {
		return err
	}
	entries, others, err := contract.CheckHAR(archive, opts...)
	if err != nil {
		return exit(2, err)
	}
	bad := 0
	for _, e := range entries {
		for _, v := range e.Violations {
			bad++
			fmt.Fprintf(out, "entry %d: %s\n", e.Number, v)
			if v.Suggest != "" {
				fmt.Fprintf(out, "    to allow it: %s\n", v.Suggest)
			}
		}
	}
	fmt.Fprintf(out, "%d exchanges with operations of the contract, %d others, %d violations\n", len(entries), others, bad)
	if err := h.end(out); err != nil {
		return err
	}
	switch {
	case bad > 0:
		return exit(1, fmt.Errorf("%s of the contract", plural(bad, "violation")))
	case len(entries) == 0:
		return exit(3, errors.New("the file holds no exchange with an operation of the contract"))
	}
	return nil
}

// plural returns a number of things.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
