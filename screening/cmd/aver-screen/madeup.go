package main

import (
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func newMadeUpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "made-up N", Short: "Write a CSV file of N people who do not exist, to try it out", Args: args(cobra.ExactArgs(1)),
		Example: "  aver-screen made-up 1000 > people.csv\n  aver-screen run people.csv --sandbox",
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return usage("%q is no number of people", args[0])
			}
			out := csv.NewWriter(c.OutOrStdout())
			err = out.Write([]string{"id", "firstName", "lastName", "country"})
			first := []string{"Ana", "Bo", "Chidi", "Dilek", "Emre", "Fatou", "Grete", "Hiroshi", "Ines", "Jonas"}
			last := []string{"Sol", "Lindqvist", "Okafor", "Demir", "Tanaka", "Moreau", "Novak"}
			country := []string{"Spain", "Sweden", "Nigeria", "Turkey", "Japan", "France", "Slovenia"}
			for i := range n {
				name := fmt.Sprintf("%s-%d", last[i%len(last)], i+1)
				if i%25 == 0 {
					name += fmt.Sprintf("+hits-%d", 1+i%3) // which the sandbox finds
				}
				if e := out.Write([]string{fmt.Sprint("customer-", i+1), first[i%len(first)], name, country[i%len(country)]}); e != nil {
					err = e
				}
			}
			out.Flush()
			if err == nil {
				err = out.Error()
			}
			return err
		},
	}
}
