package contract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goaver/aver-go/internal/spec"
)

// A Ledger records which operations a test run has seen, and with which statuses. The zero Ledger is ready for the
// embedded contract; it may be used by any number of goroutines.
type Ledger struct {
	// Contract is the contract whose operations are expected; nil for the embedded one.
	Contract *Contract

	mu     sync.Mutex
	seen   map[string]int       // by operationId and status, as the contract writes it
	values map[string]*Coverage // by what they are about
}

func (l *Ledger) contract() *Contract {
	if l.Contract == nil {
		return Embedded()
	}
	return l.Contract
}

// record notes an answer.
func (l *Ledger) record(op *spec.Operation, status int) {
	key := op.Documented(status)
	if key == "" || key == "default" {
		key = strconv.Itoa(status)
	}
	l.note(op.ID + " " + key)
}

func (l *Ledger) note(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[string]int)
	}
	l.seen[key]++
}

// Missing returns what was never seen, sorted: an operationId and a status, such as "getCheck 404".
func (l *Ledger) Missing() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(l.contract().Operations(), func(key string) bool { return l.seen[key] > 0 })
}

// An OperationCoverage is what was seen of an operation.
type OperationCoverage struct {
	Operation    string         `json:"operation"`
	Seen         map[string]int `json:"seen"`         // by status; "received" for a webhook
	Undocumented map[string]int `json:"undocumented"` // by statuses that the contract does not have
	Missing      []string       `json:"missing"`
}

// Operations returns what was seen of each operation, sorted.
func (l *Ledger) Operations() []OperationCoverage {
	rows := make(map[string]*OperationCoverage)
	at := func(key string) (*OperationCoverage, string) {
		id, status, _ := strings.Cut(key, " ")
		if rows[id] == nil {
			rows[id] = &OperationCoverage{id, make(map[string]int), make(map[string]int), []string{}}
		}
		return rows[id], cmp.Or(status, "received")
	}
	documented := l.contract().Operations()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range documented {
		if row, status := at(key); l.seen[key] > 0 {
			row.Seen[status] = l.seen[key]
		} else {
			row.Missing = append(row.Missing, status)
		}
	}
	for key, n := range l.seen {
		if !slices.Contains(documented, key) {
			row, status := at(key)
			row.Undocumented[status] = n
		}
	}
	all := make([]OperationCoverage, 0, len(rows))
	for _, id := range sortedKeys(rows) {
		all = append(all, *rows[id])
	}
	return all
}

// Report returns a table of what was seen, how often, and what was not.
func (l *Ledger) Report() string {
	times := func(seen map[string]int) string {
		all := sortedKeys(seen)
		for i, status := range all {
			all[i] = fmt.Sprintf("%s ×%d", status, seen[status])
		}
		return strings.Join(all, ", ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-31s %-46s %-24s %s\n", "operation", "seen", "never seen", "undocumented")
	for _, row := range l.Operations() {
		line := fmt.Sprintf("%-31s %-46s %-24s %s", row.Operation, times(row.Seen), strings.Join(row.Missing, ", "), times(row.Undocumented))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// An Exception is something that a test run need not see.
type Exception struct{ What, Why string }

// Except returns an exception: what, such as "createCheck 403", and why it cannot be seen. An asterisk stands for any text:
// "* 429", "getWatchlist*".
func Except(what, why string) Exception { return Exception{what, why} }

// Matches reports whether the exception is about something.
func (e Exception) Matches(what string) bool { return matches(e.What, what) }

// Require fails a test for what [Ledger.Check] returns.
func (l *Ledger) Require(tb TB, exceptions ...Exception) {
	tb.Helper()
	if err := l.Check(exceptions...); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			tb.Errorf("%s", line)
		}
	}
}

// Check returns an error with a line for each operation and status of the contract that was never seen, unless it is an
// exception; and for each exception that is none: without a reason, unknown to the contract, or seen after all. At the end of
// all tests it is called by TestMain:
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		if err := ledger.Check(contract.Except("* 429", "the sandbox has no limit")); err != nil && code == 0 {
//			fmt.Fprintln(os.Stderr, err)
//			code = 1
//		}
//		os.Exit(code)
//	}
func (l *Ledger) Check(exceptions ...Exception) error {
	return required(l.contract().Operations(), l.Missing(), exceptions)
}

// required says what of all is missing without being an exception, and which exceptions are none.
func required(all, missing []string, exceptions []Exception) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("contract: "+format, args...)) }
	excepted := make(map[string]bool)
	for _, e := range exceptions {
		known, needed := 0, 0
		for _, what := range all {
			if !matches(e.What, what) {
				continue
			}
			known++
			if slices.Contains(missing, what) {
				needed++
				excepted[what] = true
			}
		}
		switch {
		case e.Why == "":
			fault("the exception %q has no reason", e.What)
		case known == 0:
			fault("the exception %q is not in the contract", e.What)
		case needed == 0:
			fault("the exception %q was seen", e.What)
		}
	}
	for _, what := range missing {
		if !excepted[what] {
			fault("%s was never seen", what)
		}
	}
	return errors.Join(faults...)
}

// matches reports whether a text is one that a pattern with asterisks stands for.
func matches(pattern, text string) bool {
	first, rest, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == text
	}
	text, ok = strings.CutPrefix(text, first)
	for i := 0; ok && i <= len(text); i++ {
		if matches(rest, text[i:]) {
			return true
		}
	}
	return false
}
