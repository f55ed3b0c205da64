package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaver/aver-go/internal/prism"
)

const (
	mockTime  = 3 * time.Second
	mockUsers = 8
)

// mocks measures how many checks the sandbox and Prism's mock server create and read in a second, each in a process of
// its own, with requests that both validate against the same contract.
func mocks(r *report) error {
	if _, err := exec.LookPath("npx"); err != nil {
		fmt.Println("\nNo node here: the sandbox is not compared with Prism.")
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	var started []func() // each waits for a process to end
	defer func() {
		cancel()
		for _, wait := range started {
			wait()
		}
	}()
	t := &table{
		title:  fmt.Sprintf("Create and get a check, requests validated, %d callers for %s", mockUsers, mockTime),
		header: []string{"", "pairs of calls per second", "aver-go's are"},
	}
	own, err := startSandbox(ctx, &started)
	if err != nil {
		return fmt.Errorf("the sandbox: %w", err)
	}
	url, wait, err := prism.Start(ctx, "mock", "../openapi.yaml")
	if err != nil {
		return err
	}
	started = append(started, wait)
	other := mock{url, "token", "7d1f4c52-90a3-4f0e-8d0c-51b2a6a0e3c7"}
	var rates [2]figure
	r.rounds = min(rounds, 3)
	for range r.rounds {
		for i, m := range []mock{own, other} {
			rate, err := m.load()
			if err != nil {
				return fmt.Errorf("%s: %w", m.url, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	times := ratio(rates[0], rates[1])
	t.add("aver-go sandbox", rates[0].text(0), "")
	t.add("Prism mock", rates[1].text(0), times.text(1)+" ×")
	r.add("mocks", t.String())
	r.target("sandbox create + get, requests validated", "throughput × Prism's", times, 6, true)
	return nil
}

// A mock is a server that plays the service.
type mock struct{ url, token, group string }

func startSandbox(ctx context.Context, started *[]func()) (mock, error) {
	binary := filepath.Join(os.TempDir(), fmt.Sprintf("aver-bench-%d", os.Getpid()))
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/aver")
	build.Dir = ".." // the module itself
	if out, err := build.CombinedOutput(); err != nil {
		return mock{}, fmt.Errorf("%w: %s", err, out)
	}
	defer os.Remove(binary) // it runs on
	cmd := exec.CommandContext(ctx, binary, "sandbox", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return mock{}, err
	}
	if err := cmd.Start(); err != nil {
		return mock{}, err
	}
	*started = append(*started, func() { _ = cmd.Wait() })
	var said struct {
		URL, Key, Secret string
		Group            string `json:"group_id"`
	}
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		return mock{}, err
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, said.URL+"/auth/token", nil)
	if err != nil {
		return mock{}, err
	}
	req.SetBasicAuth(said.Key, said.Secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return mock{}, err
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return mock{said.URL, answer.Token, said.Group}, err
}

// load creates and reads checks, and returns how many a second.
func (m mock) load() (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: mockUsers}}
	defer client.CloseIdleConnections()
	call := func(method, path, body string) (string, error) {
		req, err := http.NewRequest(method, m.url+path, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+m.token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		var answer bytes.Buffer
		if _, err := answer.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			return "", fmt.Errorf("%s %s: status %d, %.200s, %w", method, path, resp.StatusCode, answer.String(), err)
		}
		var created struct{ CheckID string }
		return created.CheckID, json.Unmarshal(answer.Bytes(), &created)
	}
	var pairs, serial atomic.Int64
	var failure atomic.Pointer[error]
	var callers sync.WaitGroup
	run := time.Now().UnixNano()
	end := time.Now().Add(mockTime)
	for range mockUsers {
		callers.Go(func() {
			for time.Now().Before(end) && failure.Load() == nil {
				body := fmt.Sprintf(`{"thirdPartyIdentifier":"bench-%d-%d","groupId":"%s","email":"maria.lindqvist@example.com","language":"en"}`, run,
					serial.Add(1), m.group)
				id, err := createAndGet(call, body)
				if err != nil || id == "" {
					failure.Store(new(fmt.Errorf("check %q: %w", id, err)))
					return
				}
				pairs.Add(1)
			}
		})
	}
	callers.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(pairs.Load()) / mockTime.Seconds(), nil
}

func createAndGet(call func(method, path, body string) (string, error), body string) (string, error) {
	id, err := call(http.MethodPost, "/check/create", body)
	if err != nil {
		return "", err
	}
	_, err = call(http.MethodGet, "/check/"+id, "")
	return id, err
}
