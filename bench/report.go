package main

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
)

// pages are the documents that a run writes into, each where it has a place for a part of the report.
var pages = []string{"../README.md", "../docs/performance.md", "../docs/authentication.md"}

// A report is what a run measured, in parts that the pages show.
type report struct {
	parts  map[string]string
	about  string // machine and date
	rounds int    // of what is added next
	judge  table
}

func newReport(about string) *report {
	judge := table{header: []string{"work", "measure", "target", "measured", ""}}
	return &report{parts: make(map[string]string), about: about, rounds: rounds, judge: judge}
}

// add prints a table or a text, and adds it to a part. The README's is short.
func (r *report) add(part, text string) {
	fmt.Print(text, "\n")
	if r.parts[part] == "" && part != "readme" {
		r.parts[part] = r.heading() + "\n\n"
	}
	r.parts[part] += text + "\n"
}

// heading says where and how often it was measured.
func (r *report) heading() string {
	if r.rounds == 1 {
		return r.about + ", one round: no figure has a spread."
	}
	return fmt.Sprintf("%s, %d rounds: medians, with what the middle half of the rounds measured.", r.about, r.rounds)
}

// target notes whether a measurement meets its target.
func (r *report) target(work, what string, measured figure, limit float64, least bool) {
	sign, met := "≤", measured.median() <= limit
	if least {
		sign, met = "≥", measured.median() >= limit
	}
	verdict := "met"
	if !met {
		verdict = "missed by " + short(math.Abs(measured.median()/limit-1)*100) + " %"
	}
	r.judge.add(work, what, fmt.Sprintf("%s %.4g", sign, limit), measured.text(2), verdict)
}

// write puts the parts into their places in the pages. A place that this run has nothing for stays as it is, and so do the targets
// when the run was not whole.
func (r *report) write(whole bool) error {
	if len(r.judge.rows) > 0 {
		fmt.Print(r.judge.String(), "\n")
	}
	if whole {
		r.rounds = rounds
		r.parts["targets"] = r.heading() + "\n\n" + r.judge.String()
	}
	placed := make(map[string]bool)
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		filled, err := fill(string(text), r.parts, placed)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(name, []byte(filled), 0o600); err != nil {
			return err
		}
	}
	for part := range r.parts {
		if !placed[part] {
			return fmt.Errorf("no page has a place for %s: <!-- make bench: %[1]s -->", part)
		}
	}
	return nil
}

var begin = regexp.MustCompile(`<!-- make bench: ([a-z]+) -->`)

// fill returns a page with the parts in their places, and notes which it has.
func fill(page string, parts map[string]string, placed map[string]bool) (string, error) {
	const end = "<!-- end -->"
	var b strings.Builder
	for {
		m := begin.FindStringSubmatchIndex(page)
		if m == nil {
			b.WriteString(page)
			return b.String(), nil
		}
		name, rest := page[m[2]:m[3]], page[m[1]:]
		to := strings.Index(rest, end)
		if next := begin.FindStringIndex(rest); to < 0 || next != nil && next[0] < to {
			return "", fmt.Errorf("the place for %s has no end", name)
		}
		b.WriteString(page[:m[1]])
		if part, ok := parts[name]; ok {
			placed[name] = true
			b.WriteString("\n\n" + strings.TrimSpace(part) + "\n\n")
		} else {
			b.WriteString(rest[:to])
		}
		b.WriteString(end)
		page = rest[to+len(end):]
	}
}

// A table is written as Markdown.
type table struct {
	title  string
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	if t.title != "" {
		fmt.Fprintf(&b, "**%s**\n\n", t.title)
	}
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(t.header, " | "), strings.Repeat("---|", len(t.header)))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

// A figure is what was measured, round by round.
type figure []float64

func (f figure) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(f))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

func (f figure) median() float64 { return f.quantile(0.5) }

// text returns the median and, where there were several rounds, what the middle half of them measured.
func (f figure) text(digits int) string {
	if len(f) == 1 {
		return fmt.Sprintf("%.*f", digits, f[0])
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, f.median(), digits, f.quantile(0.25), digits, f.quantile(0.75))
}

// per returns the figure in a larger unit.
func (f figure) per(unit float64) figure {
	scaled := make(figure, len(f))
	for i, v := range f {
		scaled[i] = v / unit
	}
	return scaled
}

// ratio divides round by round, so that both sides have seen the same weather.
func ratio(a, b figure) figure {
	r := make(figure, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}
