package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
)

type settings struct {
	header  string
	secrets [][sha256.Size]byte
	open    bool // anybody may send
	client  Client
	store   Store
	timeout time.Duration
	unknown bool // what does not exist reaches the handler
	hook    func(context.Context, Delivery)
}

const defaultTimeout = 30 * time.Second

// An Option configures a [Receiver].
type Option func(*settings) error

// WithSecret sets the header that is configured in the portal, by its name, and its value, as it is, without a scheme before
// it. To change the value without losing anything, give the new and the previous ones until the portal sends the new one.
func WithSecret(header, secret string, previous ...string) Option {
	return func(s *settings) error {
		if s.header != "" {
			return errors.New("WithSecret: it is given twice; one takes the new secret and the previous ones")
		}
		if !isToken(header) || slices.Contains(ofHTTP, http.CanonicalHeaderKey(header)) {
			return errors.New("WithSecret: the header has no name that HTTP allows for it; want one such as Authorization")
		}
		s.header, s.secrets = http.CanonicalHeaderKey(header), nil
		for _, value := range append([]string{secret}, previous...) {
			switch {
			case value == "":
				return errors.New("WithSecret: a secret is empty; WithoutSecret takes notifications from anybody")
			case strings.TrimSpace(value) != value:
				return errors.New("WithSecret: a secret begins or ends with a blank, which HTTP leaves out")
			case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
				return errors.New("WithSecret: a secret holds a control character, which no header can")
			}
			s.secrets = append(s.secrets, sha256.Sum256([]byte(value)))
		}
		return nil
	}
}

// ofHTTP are headers that HTTP itself uses, or takes away.
var ofHTTP = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Trailer", "Connection", "Te", "Upgrade", "Expect"}

// isToken reports whether a text can be the name of a header (RFC 9110).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// WithoutSecret takes notifications from anybody who knows the URL: no header is configured in the portal. With [WithClient]
// that costs a look at the state for each, and without it, anybody can make the handler believe anything.
func WithoutSecret() Option {
	return func(s *settings) error {
		s.open = true
		return nil
	}
}

// A Client reads the state back; an [*api.Client] is one.
type Client interface {
	GetCheck(ctx context.Context, id string, opts ...api.CallOption) (*api.Check, error)
	GetWatchlistSearch(ctx context.Context, id string, opts ...api.CallOption) (*api.WatchlistSearch, error)
}

// WithClient has the receiver read the state back, so that an event carries the check or the search as it is now, and a
// forged or stale notification changes nothing.
func WithClient(client Client) Option {
	return func(s *settings) error {
		if v := reflect.ValueOf(client); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
			return errors.New("WithClient: the client is nil")
		}
		s.client = client
		return nil
	}
}

// WithSeen sets where it is kept which events were handled. The default is the memory of this process, for a day and up to
// 100,000 events; what several processes receive needs a store that they share.
func WithSeen(store Store) Option {
	return func(s *settings) error {
		if store == nil {
			return errors.New("WithSeen: the store is nil")
		}
		s.store = store
		return nil
	}
}

// WithTimeout sets how long taking a notification may last, from its first byte to the end of the handler; the default is 30
// seconds. Then the service is answered with 503. A handler that goes on is not stopped, and its success still counts.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return errors.New("WithTimeout: the time must be positive")
		}
		s.timeout = timeout
		return nil
	}
}

// WithUnknown has the handler told of notifications about what does not exist, such as the test message of the portal:
// [Event.Unknown] marks them. Otherwise they end at the receiver.
func WithUnknown() Option {
	return func(s *settings) error {
		s.unknown = true
		return nil
	}
}

// WithHook has f called after each request was answered, for each ID that [Receiver.Reconcile] handed on or could not, and once
// more when a handler that was late has returned, so that everything can be counted and logged.
func WithHook(f func(ctx context.Context, d Delivery)) Option {
	return func(s *settings) error {
		s.hook = f
		return nil
	}
}
