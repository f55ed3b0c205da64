// Command bench measures this module beside its peers, in one run on one machine, prints tables, and writes them and its plots into
// the pages that show them:
//
//	make bench
//	make bench ROUNDS=3 ONLY=calls
//
// It is a module of its own, so that the peers stay out of the module that applications import.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func main() {
	testing.Init()
	_ = flag.Set("test.benchtime", "300ms")
	only := flag.String("only", "", "measure the sections whose names contain this, and leave the rest of the pages as it is")
	flag.IntVar(&rounds, "rounds", 7, "how often everything is measured, in turn")
	flag.Parse()
	if rounds < 1 {
		fmt.Fprintln(os.Stderr, "bench: -rounds wants at least one")
		os.Exit(2)
	}
	r := newReport(fmt.Sprintf("%s, %s/%s, %d CPUs (%s), %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), time.Now().Format(time.DateOnly)))
	measured := false
	for _, section := range []struct {
		name string
		run  func(*report) error
	}{
		{"hotpath", hotPath}, {"calls", calls}, {"cold", cold}, {"growth", growth}, {"mocks", mocks}, {"contract", contractChecks},
		{"providers", providers}, {"screening", screening}, {"rows", rows},
	} {
		if !strings.Contains(section.name, *only) {
			continue
		}
		measured, r.rounds = true, rounds
		if err := section.run(r); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	if !measured {
		fmt.Fprintf(os.Stderr, "bench: no section has a name with %q\n", *only)
		os.Exit(2)
	}
	if err := r.write(*only == ""); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// rounds is how often everything is measured.
var rounds int

// processor names the machine's processor.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
