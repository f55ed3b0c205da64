package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/goaver/aver-go/sandbox"
)

// screeningRows is of how many rows the rate is measured, with the time that it takes to begin.
const screeningRows = 40_000

var rowRate = regexp.MustCompile(`(?m)^BenchmarkRows/([^/]+)/(\d+)-?\d*\s.*?([\d.]+) rows/s$`)

// screening measures the module that searches for many people: its rows a second beside a plain loop over the client, by the module's
// own benchmark.
func screening(r *report) error {
	r.rounds = roundsOfGrowth()
	cmd := exec.Command("go", "test", "-run", "-", "-bench", "Rows", "-benchtime", "1x", "-timeout", "0",
		"-bench-rows", fmt.Sprint(screeningRows), "-count", fmt.Sprint(r.rounds), ".")
	cmd.Dir, cmd.Stderr = "../screening", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the benchmark of screening: %w", err)
	}
	rates := make(map[string]map[string]figure)
	for _, m := range rowRate.FindAllStringSubmatch(string(out), -1) {
		name, workers := m[1], m[2]
		rate, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return err
		}
		if rates[name] == nil {
			rates[name] = make(map[string]figure)
		}
		rates[name][workers] = append(rates[name][workers], rate)
	}
	t := &table{
		title:  fmt.Sprintf("Rows a second, of %d rows", screeningRows),
		header: []string{"at once", "plain loop", "SQLite", "× the loop", "PostgreSQL", "× the loop"},
	}
	for _, workers := range []string{"1", "4", "16", "64"} {
		plain := rates["plain_loop"][workers]
		row := []string{workers, plain.text(0)}
		for _, name := range []string{"SQLite", "PostgreSQL"} {
			measured := rates[name][workers]
			if len(measured) == 0 || len(plain) == 0 {
				return fmt.Errorf("%s with %s workers was not measured; is PostgreSQL installed?\n%s", name, workers, out)
			}
			of := ratio(measured, plain)
			row = append(row, measured.text(0), of.text(2))
			least := map[string]float64{"SQLite": 0.7, "PostgreSQL": 0.6}[name]
			r.target("screening on "+name+", "+workers+" at once", "× the plain loop", of, least, true)
		}
		t.add(row...)
	}
	r.add("screening", t.String())
	return nil
}

// rows runs aver-screen for files of more and more rows, and again when all are done.
func rows(r *report) error {
	r.rounds = roundsOfGrowth()
	folder, err := os.MkdirTemp("", "aver-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "aver-screen")
	build := exec.Command("go", "build", "-o", program, "./cmd/aver-screen")
	build.Dir, build.Stderr = "../screening", os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	p := newPlot("rows", "A file of people, searched for on SQLite and run again", "rows", "seconds")
	t := &table{title: "MB of memory of the process, at most", header: []string{"rows", "searched for", "run again, all are done"}}
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		var first, again, firstMB, againMB figure
		for range r.rounds {
			if n == 1_000_000 && len(first) > 0 {
				break // once: it takes minutes
			}
			ran, err := screenTwice(folder, program, n)
			if err != nil {
				return err
			}
			first, again = append(first, ran[0].took.Seconds()), append(again, ran[1].took.Seconds())
			firstMB, againMB = append(firstMB, ran[0].mb), append(againMB, ran[1].mb)
		}
		p.point("searched for", float64(n), first)
		p.point("run again, all are done", float64(n), again)
		t.add(fmt.Sprint(n), firstMB.text(0), againMB.text(0))
		if n == 1_000_000 {
			r.target("screening of 1,000,000 rows", "MB of memory", firstMB, 150, false)
			r.target("screening of 1,000,000 rows", "s when all are done", again, 10, false)
		}
	}
	r.add("rows", t.String())
	return p.add(r)
}

// A ran is what a run of a program took.
type ran struct {
	took time.Duration
	mb   float64 // of memory, at most
}

// screenTwice searches for n people who do not exist, and runs the same once more.
func screenTwice(folder, program string, n int) (both [2]ran, err error) {
	sb, err := sandbox.Listen(sandbox.WithProcessing(0, 0))
	if err != nil {
		return both, err
	}
	defer sb.Close()
	people, err := exec.Command(program, "made-up", fmt.Sprint(n)).Output()
	if err != nil {
		return both, err
	}
	run, err := os.MkdirTemp(folder, "run-")
	if err != nil {
		return both, err
	}
	defer os.RemoveAll(run)
	file := filepath.Join(run, "people.csv")
	if err := os.WriteFile(file, people, 0o600); err != nil {
		return both, err
	}
	for i := range both {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
		cmd := exec.CommandContext(ctx, program, "run", file, "--yes")
		cmd.Env = append(os.Environ(), "AVER_API_KEY="+sb.Key, "AVER_API_SECRET="+sb.Secret, "AVER_GROUP_ID="+sb.GroupID, "AVER_BASE_URL="+sb.URL)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		start := time.Now()
		if err := cmd.Start(); err != nil {
			cancel()
			return both, err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		look := time.NewTicker(20 * time.Millisecond)
		for running := true; running; {
			select {
			case err = <-ended:
				running = false
			case <-look.C:
				both[i].mb = max(both[i].mb, mostMemory(cmd.Process.Pid))
			}
		}
		look.Stop()
		both[i].took = time.Since(start)
		cancel()
		if err != nil {
			return both, fmt.Errorf("%w: %s", err, &out)
		}
	}
	return both, nil
}

var highest = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// mostMemory returns how many MB of memory a process has had at most, on Linux. What a process tells when it ends is no use: it counts
// the one that started it.
func mostMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m := highest.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseFloat(string(m[1]), 64)
	return kb / 1024
}
