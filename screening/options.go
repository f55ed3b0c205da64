package screening

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/goaver/aver-go/api"
)

type options struct {
	group       string
	concurrency int
	rate        rate.Limit
	seal        seal
	logger      *slog.Logger
	look        time.Duration // between looks at searches that are not done
	mayLag      time.Duration // how long the service may not show what it has taken
	wait        bool          // for what cannot be done now
	check       api.CreateCheckRequest
	pollLeast   time.Duration // between looks at checks
	pollMost    time.Duration
}

// An Option configures a [Screening].
type Option func(*options) error

// WithGroup sets the check group that searches belong to. It is needed for [Screening.Work].
func WithGroup(id string) Option {
	return func(o *options) error {
		o.group = id
		return nil
	}
}

// WithConcurrency limits how many rows are under way at once in this process; the default is 16.
func WithConcurrency(n int) Option {
	return func(o *options) error {
		if n < 1 || n > 4096 {
			return fmt.Errorf("the concurrency is %d; want 1 to 4096", n)
		}
		o.concurrency = n
		return nil
	}
}

// WithRate limits how many searches are sent in a second by this process; the default is no limit.
func WithRate(perSecond float64) Option {
	return func(o *options) error {
		if !(perSecond > 0) {
			return fmt.Errorf("the rate is %v; want more than 0 a second", perSecond)
		}
		o.rate = rate.Limit(perSecond)
		return nil
	}
}

// WithCheck gives what the checks of a list have in common: their types, where the enrollment ends, a language for the rows that name
// none. What a row says itself is left empty.
func WithCheck(common api.CreateCheckRequest) Option {
	return func(o *options) error {
		if common.OverrideThirdPartyIdentifier {
			return errors.New("overrideThirdPartyIdentifier would make another check each time that one is repeated; leave it out")
		}
		if common.Email != "" || common.GroupID != "" || common.ThirdPartyIdentifier != "" {
			return errors.New("the email and the third-party identifier of a check are those of its row, and the group that of WithGroup")
		}
		o.check = common
		return nil
	}
}

// WithPolling sets when a check is looked at: first after least, then again and again after a quarter of its age, at most after most.
// The defaults are a minute and 6 hours. What [Screening.Notify] is told of is looked at at once.
func WithPolling(least, most time.Duration) Option {
	return func(o *options) error {
		if least <= 0 || most < least {
			return fmt.Errorf("the times between looks are %v and %v; want 0 < least ≤ most", least, most)
		}
		o.pollLeast, o.pollMost = least, most
		return nil
	}
}

// WithoutWaiting has [Screening.Work] return when nothing can be done now: all is sent, and the checks whose time has come were looked
// at.
func WithoutWaiting() Option {
	return func(o *options) error {
		o.wait = false
		return nil
	}
}

// WithKey encrypts what is personal in the database: rows and results, with AES-256-GCM. The key has 32 bytes.
func WithKey(key []byte) Option {
	return func(o *options) (err error) {
		o.seal, err = newSeal(key)
		return err
	}
}

// WithLogger has what goes wrong logged, with numbers of rows in place of names; the default is not to log.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) error {
		if logger == nil {
			return errors.New("the logger is nil")
		}
		o.logger = logger
		return nil
	}
}
