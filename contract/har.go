package contract

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// An Entry is a recorded exchange and how it breaks the contract.
type Entry struct {
	Number     int // in the recording, from 1
	Operation  string
	Status     int
	Violations []Violation
}

// CheckHAR checks traffic that was recorded as HTTP Archive (HAR 1.2), as browsers and proxies write it. It returns an
// entry for each exchange with an operation of the contract, and how many exchanges concern something else. Recorders
// leave credentials out, so their absence is no violation here.
func CheckHAR(r io.Reader, opts ...Option) (entries []Entry, others int, err error) {
	s := newSettings(opts)
	recorded, err := readArchive(r)
	if err != nil {
		return nil, 0, err
	}
	for i, e := range recorded {
		u, err := url.Parse(e.Request.URL)
		if err != nil {
			others++
			continue
		}
		op, values := s.contract.spec.Match(e.Request.Method, u)
		if op == nil {
			others++
			continue
		}
		entry := Entry{Number: i + 1, Operation: op.ID, Status: e.Response.Status}
		request := message{op: op, direction: Request, header: headers(e.Request.Headers, e.Request.PostData), recorded: true}
		if e.Request.PostData != nil {
			if request.body, err = e.Request.PostData.bytes(); err != nil {
				return nil, 0, fmt.Errorf("contract: entry %d: the request: %w", i+1, err)
			}
		}
		if !s.responsesOnly {
			sent := s.contract.checkRequest(op, values, u, request)
			s.note(sent)
			if e.Response.Status/100 == 2 {
				s.observe(sent)
			}
			entry.Violations = append(entry.Violations, sent.violations...)
		}
		if e.Response.Status != 0 { // 0 when none came
			response := message{op: op, direction: Response, status: e.Response.Status, header: headers(e.Response.Headers, &e.Response.Content)}
			if e.Response.Content.Text == "" && e.Response.Content.Size > 0 {
				response.part = headOnly // the recorder left the content out
			}
			if response.body, err = e.Response.Content.bytes(); err != nil {
				return nil, 0, fmt.Errorf("contract: entry %d: the answer: %w", i+1, err)
			}
			entry.Violations = append(entry.Violations, s.received(response)...)
			s.ledger.record(op, e.Response.Status)
		}
		entries = append(entries, entry)
	}
	return entries, others, nil
}

type harHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harBody struct {
	MimeType string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Size     int    `json:"size"`
	Comment  string `json:"comment,omitempty"`
}

func (b harBody) bytes() ([]byte, error) {
	if b.Encoding == "base64" {
		return base64.StdEncoding.DecodeString(b.Text)
	}
	return []byte(b.Text), nil
}

func headers(recorded []harHeader, body *harBody) http.Header {
	h := make(http.Header)
	for _, header := range recorded {
		h.Add(header.Name, header.Value)
	}
	if body != nil && h.Get("Content-Type") == "" && body.MimeType != "" {
		h.Set("Content-Type", body.MimeType)
	}
	return h
}
