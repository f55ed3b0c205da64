package screening

import "time"

// WithMayLag sets how long the service may not show what it has taken.
func WithMayLag(d time.Duration) Option {
	return func(o *options) error {
		o.mayLag = d
		return nil
	}
}
