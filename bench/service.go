package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// A service hands out tokens, over HTTP on the loopback interface.
type service struct {
	*httptest.Server

	mu       sync.Mutex
	requests int
	latency  time.Duration
	ttl      time.Duration
	status   int
}

func newService() *service {
	s := &service{ttl: 30 * time.Minute, status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	n, latency, ttl, status := s.requests, s.latency, s.ttl, s.status
	s.mu.Unlock()
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	payload := fmt.Sprintf(`{"iat":0,"exp":%v,"serial":%d}`, ttl.Seconds(), n)
	_, _ = io.WriteString(w, `{"token":"`+encode([]byte(`{"alg":"HS256"}`))+"."+encode([]byte(payload))+`.c2ln"}`)
}

func (s *service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}
