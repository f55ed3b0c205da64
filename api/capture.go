package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/goaver/aver-go/wire/printing"
)

// A Capture is what there is to know of a call beside its result and its error: see [WithCapture].
type Capture struct {
	// KeepRaw, set before the call, has the last answer kept as it came, for [Capture.Raw]; of a download nothing is kept.
	KeepRaw bool

	Status    int           // of the last answer; 0 when none came
	Header    http.Header   // of the last answer; it may hold identifiers
	RequestID string        // what the service's support asks for
	Attempts  int           // how often the call was attempted
	Duration  time.Duration // from its beginning to its end
	TokenWait time.Duration // how long of it went by waiting for a token

	raw *bytes.Buffer
}

// WithCapture has a call fill capture, when it ends, whether or not it succeeds. It is for one call at a time, and so no option
// of [New]; of a call that is several, such as a wait, it holds the last one.
func WithCapture(capture *Capture) CallOption { return captureOption{capture} }

type captureOption struct{ capture *Capture }

func (o captureOption) applyToClient(*settings) error {
	return errors.New("WithCapture: it is for a call, not for a client")
}

func (o captureOption) applyToCall(c *callSettings) error {
	if o.capture == nil {
		return errors.New("WithCapture: the capture is nil")
	}
	*o.capture = Capture{KeepRaw: o.capture.KeepRaw}
	c.capture = o.capture
	return nil
}

func (o captureOption) applyToWait(s *waitSettings) error {
	if o.capture == nil {
		return errors.New("WithCapture: the capture is nil")
	}
	s.calls = append(s.calls, o)
	return nil
}

// Raw returns the last answer as it came, up to the limit of [WithMaxResponseSize]; nil when [Capture.KeepRaw] was not set. It holds
// what the result holds, personal data included: never print it.
func (c *Capture) Raw() []byte {
	if c.raw == nil {
		return nil
	}
	return c.raw.Bytes()
}

// during notes how long a call took, at its end.
func (c *Capture) during(begun time.Time) { c.Duration = time.Since(begun) }

// answered notes an attempt and its answer; nil stands for none.
func (c *Capture) answered(attempts int, resp *http.Response) {
	if c == nil {
		return
	}
	c.Attempts, c.Status, c.Header, c.RequestID, c.raw = attempts, 0, nil, "", nil
	if resp != nil {
		c.Status, c.Header = resp.StatusCode, resp.Header
	}
}

// keep keeps what is read of an answer, up to a limit.
func (c *Capture) keep(resp *http.Response, limit int64) {
	if c == nil || !c.KeepRaw {
		return
	}
	c.raw = new(bytes.Buffer)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(resp.Body, &bounded{c.raw, limit}), resp.Body}
}

// A bounded writer drops what is beyond a limit.
type bounded struct {
	to   *bytes.Buffer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(int64(len(p)), b.left)
	b.left -= n
	b.to.Write(p[:n])
	return len(p), nil
}

// begin returns when a wait for a token begins.
func (c *Capture) begin() (begun time.Time) {
	if c != nil {
		begun = time.Now()
	}
	return begun
}

// waited notes that a wait is over.
func (c *Capture) waited(begun time.Time) {
	if c != nil {
		c.TokenWait += time.Since(begun)
	}
}

// LogValue shows the capture without headers and answer.
func (c *Capture) LogValue() slog.Value {
	if c == nil {
		return slog.StringValue("nil")
	}
	return slog.GroupValue(printing.Attr("status", c.Status), printing.Attr("requestId", c.RequestID), printing.Attr("attempts", c.Attempts),
		printing.Attr("duration", c.Duration), printing.Attr("tokenWait", c.TokenWait))
}

// Format prints the capture without headers and answer, whatever the verb.
func (c *Capture) Format(f fmt.State, _ rune) {
	if c == nil {
		fmt.Fprint(f, "nil")
		return
	}
	fmt.Fprintf(f, "{status %d, request %q, attempts %d, duration %v, token wait %v}", c.Status, c.RequestID, c.Attempts, c.Duration, c.TokenWait)
}
