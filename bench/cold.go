package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// starters are the programs of folder cold, each of which makes one call and ends.
var starters = []struct{ folder, name string }{
	{"floor", "net/http alone"}, {"own", ours}, {"plain", plainOAPI}, {"ogen", ogenClient}, {"stripe", "stripe-go, another service"},
}

// cold measures what a client costs a program before its first call: bytes of the binary, time of initialisation, and the whole life of
// a process that makes one call.
func cold(r *report) error {
	a, err := newAnswers()
	if err != nil {
		return err
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":"c1"}`)
			return
		}
		a.ServeHTTP(w, r)
	}))
	defer srv.Close()
	folder, err := os.MkdirTemp("", "aver-cold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	sizes := make([]float64, len(starters))
	inits, lives := make([]figure, len(starters)), make([]figure, len(starters))
	for i, s := range starters {
		binary := filepath.Join(folder, s.folder)
		if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cold/"+s.folder).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", s.name, err, out)
		}
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		sizes[i] = float64(info.Size())
	}
	r.rounds = 3 * rounds
	for range r.rounds {
		floor := make(map[string]bool) // the packages that the floor initialises
		for i, s := range starters {
			trace, took, err := start(filepath.Join(folder, s.folder), srv.URL+"/api")
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			sum := 0.0
			for name, ms := range trace {
				if i == 0 {
					floor[name] = true
				} else if !floor[name] {
					sum += ms
				}
			}
			inits[i], lives[i] = append(inits[i], sum), append(lives[i], took)
		}
	}
	t := &table{title: "A program that makes one call", header: []string{"", "KB added to the binary (stripped)", "ms of initialisation added",
		"ms from start to end", "× net/http alone"}}
	growth := make(map[string]float64)
	for i, s := range starters {
		growth[s.name] = (sizes[i] - sizes[0]) / 1024
		t.add(s.name, fmt.Sprintf("%.0f", growth[s.name]), inits[i].text(3), lives[i].text(1), ratio(lives[i], lives[0]).text(2))
		if s.name == ours {
			r.target("start of a program", "ms of initialisation added", inits[i], 0.2, false)
		}
	}
	r.add("cold", t.String())
	r.target("start of a program", "KB added × plain oapi-codegen", figure{growth[ours] / growth[plainOAPI]}, 1.15, false)
	return nil
}

// start runs a program and returns how long each package took to initialise and how long the whole process lived, in milliseconds.
func start(binary, url string) (trace map[string]float64, took float64, err error) {
	begun := time.Now()
	if out, err := exec.Command(binary, url).CombinedOutput(); err != nil {
		return nil, 0, fmt.Errorf("%w: %s", err, out)
	}
	took = float64(time.Since(begun).Microseconds()) / 1000
	var stderr bytes.Buffer
	cmd := exec.Command(binary, url)
	cmd.Stderr, cmd.Env = &stderr, append(os.Environ(), "GODEBUG=inittrace=1")
	if err := cmd.Run(); err != nil {
		return nil, 0, err
	}
	trace = make(map[string]float64)
	for line := range strings.Lines(stderr.String()) { // init PACKAGE @0.1 ms, 0.02 ms clock, …
		words := strings.Fields(line)
		if len(words) < 6 || words[0] != "init" {
			continue
		}
		if trace[words[1]], err = strconv.ParseFloat(words[4], 64); err != nil {
			return nil, 0, fmt.Errorf("the trace says %q", line)
		}
	}
	return trace, took, nil
}
