package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/suite"
	"github.com/goaver/aver-go/internal/overlay"
)

func newContractCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract",
		Short: "Hold traffic against openapi.yaml",
	}
	h := &holding{}
	h.spec.flags(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&h.propose, "propose", "", "write what differs as an OpenAPI Overlay that makes the contract allow it")
	cmd.PersistentFlags().StringVar(&h.format, "format", "text", "how to report: "+strings.Join(formats, ", "))
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
				return h.check(cmd.OutOrStdout(), "standard input", cmd.InOrStdin())
			}
			f, err := os.Open(args[0])
			if err != nil {
				return exit(2, err)
			}
			defer f.Close()
			return h.check(cmd.OutOrStdout(), args[0], f)
		},
	})
	cmd.AddCommand(newExploreCommand(h))
	return oneOf(cmd)
}

// A holding holds traffic against a contract.
type holding struct {
	spec    document
	propose string // a file, or nothing
	format  string

	text     *overlay.Document
	contract *contract.Contract
	ledger   *contract.Ledger
	drift    *contract.Drift
}

// begin reads the contract.
func (h *holding) begin() ([]contract.Option, error) {
	if !slices.Contains(formats, h.format) {
		return nil, exit(2, fmt.Errorf("--format: %q is none of %s", h.format, strings.Join(formats, ", ")))
	}
	text, c, err := checked(&h.spec)
	if err != nil {
		return nil, exit(2, err)
	}
	h.text, h.contract, h.ledger, h.drift = text, c, &contract.Ledger{Contract: c}, &contract.Drift{Contract: c}
	return []contract.Option{contract.WithContract(c), contract.WithLedger(h.ledger), contract.WithDrift(h.drift)}, nil
}

// end writes the report and the proposal.
func (h *holding) end(out io.Writer, r *contractReport) error {
	r.complete(h)
	if err := r.write(out, h.format); err != nil {
		return exit(2, err)
	}
	if h.propose == "" {
		return nil
	}
	overlay := h.drift.Overlay()
	if overlay == nil {
		if old, err := os.ReadFile(h.propose); err == nil && bytes.HasPrefix(old, []byte(contract.ProposalHeader)) {
			return os.Remove(h.propose) // of an earlier run, which nobody shall take for this one's
		}
		return nil
	}
	if err := os.WriteFile(h.propose, overlay, 0o644); err != nil {
		return exit(2, err)
	}
	return nil
}

// checked returns the contract to check against, and its text.
func checked(d *document) (*overlay.Document, *contract.Contract, error) {
	text, err := d.read()
	if err != nil {
		return nil, nil, err
	}
	if !d.given() {
		return text, contract.Embedded(), nil
	}
	c, err := contract.New(text.Text)
	if err != nil {
		return nil, nil, text.Blame(errors.New(strings.TrimPrefix(err.Error(), "contract: ")))
	}
	return text, c, nil
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
	r := &contractReport{Where: where}
	for _, f := range findings {
		if f.Violation != nil {
			r.add(*f.Violation, f.Times, 0)
		} else {
			operation, _, _ := strings.Cut(f.Step, " ")
			r.Failures = append(r.Failures, failed{Operation: operation, Kind: "the step failed", Text: f.String()})
		}
	}
	if err := h.end(out, r); err != nil {
		return err
	}
	if len(findings) > 0 {
		return exit(1, fmt.Errorf("the service and the contract differ in %s", plural(len(findings), "place")))
	}
	return nil
}

// check checks an archive.
func (h *holding) check(out io.Writer, name string, archive io.Reader) error {
	opts, err := h.begin()
	if err != nil {
		return err
	}
	entries, others, err := contract.CheckHAR(archive, opts...)
	if err != nil {
		return exit(2, err)
	}
	r := &contractReport{archive: true, Where: name, Others: others, Exchanges: len(entries)}
	for _, e := range entries {
		for _, v := range e.Violations {
			r.add(v, 1, e.Number)
		}
	}
	if err := h.end(out, r); err != nil {
		return err
	}
	switch {
	case len(r.Violations) > 0:
		return exit(1, fmt.Errorf("%s of the contract", plural(len(r.Violations), "violation")))
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
