// Command bench measures this module beside its peers, in one run on one machine, and prints Markdown tables:
//
//	make bench
//
// It is a module of its own, so that the peers stay out of the module that applications import.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func main() {
	testing.Init()
	_ = flag.Set("test.benchtime", "300ms")
	only := flag.String("only", "", "measure the sections whose names contain this")
	flag.Parse()
	fmt.Printf("%s, %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, section := range []struct {
		name string
		run  func() error
	}{{"hotpath", hotPath}, {"calls", calls}, {"mocks", mocks}, {"contract", contractChecks}, {"providers", providers}} {
		if !strings.Contains(section.name, *only) {
			continue
		}
		if err := section.run(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	judgements.print()
}

// judgements tells for each target whether it was met.
var judgements = &table{title: "Targets", header: []string{"work", "measure", "target", "measured", ""}}

func judge(work, what string, measured, limit float64, least bool) {
	sign, met := "≤", measured <= limit
	if least {
		sign, met = "≥", measured >= limit
	}
	verdict := "met"
	if !met {
		verdict = fmt.Sprintf("missed by %.0f %%", math.Abs(measured/limit-1)*100)
	}
	judgements.add(work, what, fmt.Sprintf("%s %.4g", sign, limit), fmt.Sprintf("%.3g", measured), verdict)
}

// A table is printed as Markdown.
type table struct {
	title  string
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print() {
	if len(t.rows) == 0 {
		return
	}
	fmt.Printf("\n### %s\n\n| %s |\n|%s\n", t.title, strings.Join(t.header, " | "), strings.Repeat("---|", len(t.header)))
	for _, row := range t.rows {
		fmt.Printf("| %s |\n", strings.Join(row, " | "))
	}
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
