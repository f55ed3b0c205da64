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
	var spec document
	spec.flags(cmd.PersistentFlags())
	cmd.AddCommand(&cobra.Command{
		Use:   "run",
		Short: "Call every operation and check both sides",
		Long: `Run calls every operation of a service with the client and reports where one of them differs from the contract. It
runs on a sandbox of its own, or, when AVER_API_KEY, AVER_API_SECRET and AVER_GROUP_ID are set, on the real service (or the
one that AVER_BASE_URL names). A check on the real service costs money unless the key is a Test API key.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := checked(&spec)
			if err != nil {
				return err
			}
			return runSuite(cmd.Context(), cmd.OutOrStdout(), accountFromEnv(), c)
		},
	}, &cobra.Command{
		Use:   "check FILE.har",
		Short: "Check recorded traffic (HTTP Archive)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := checked(&spec)
			if err != nil {
				return err
			}
			return checkHAR(cmd.OutOrStdout(), args[0], c)
		},
	})
	return oneOf(cmd)
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

func runSuite(ctx context.Context, out io.Writer, a account, c *contract.Contract) error {
	a, where, stop, err := a.target()
	if err != nil {
		return err
	}
	defer stop()
	target := suite.Target{URL: cmp.Or(a.baseURL, authprovider.DefaultBaseURL), Key: a.key, Secret: a.secret, GroupID: a.groupID}
	ledger := &contract.Ledger{Contract: c}
	findings, err := suite.Run(ctx, target, contract.WithContract(c), contract.WithLedger(ledger))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Every operation, on %s\n\n%s\n", where, ledger.Report())
	if len(findings) == 0 {
		fmt.Fprintln(out, "Both sides keep the contract.")
		return nil
	}
	for i, f := range findings {
		fmt.Fprintf(out, "%d. %s\n", i+1, f)
	}
	return fmt.Errorf("%d differences between the service and the contract", len(findings))
}

func checkHAR(out io.Writer, file string, c *contract.Contract) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, others, err := contract.CheckHAR(f, contract.WithContract(c))
	if err != nil {
		return err
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
	if bad > 0 {
		return fmt.Errorf("%d violations of the contract", bad)
	}
	if len(entries) == 0 {
		return errors.New("the file holds no exchange with an operation of the contract")
	}
	return nil
}
