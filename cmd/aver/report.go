package main

import (
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/goaver/aver-go/contract"
)

// formats are those in which a report can be written.
var formats = []string{"text", "json", "junit", "sarif", "github", "html"}

// A contractReport is what holding traffic against the contract has shown.
type contractReport struct {
	Where       string                       `json:"where"`
	Explored    *explored                    `json:"explored,omitempty"`
	Exchanges   int                          `json:"exchanges,omitempty"` // with operations, of an archive
	Others      int                          `json:"others,omitempty"`
	Violations  []reported                   `json:"violations"`
	Failures    []failed                     `json:"failures"`
	Differences []contract.Difference        `json:"differences"`
	Operations  []contract.OperationCoverage `json:"operations"`
	Coverage    []contract.Coverage          `json:"coverage"`

	archive  bool   // it is of one, rather than of a run
	proposal string // the file of the proposal
	table    string
}

// explored is how a service was explored.
type explored struct {
	Operations int      `json:"operations"`
	Requests   int      `json:"requests"`
	Seconds    float64  `json:"seconds"`
	Seed       uint64   `json:"seed"`
	Complete   bool     `json:"complete"` // every case that the contract gives rise to was tried
	Unreached  []string `json:"unreached"`
	Skipped    []string `json:"skipped"` // operations whose requests cannot be made, and why
	Excepted   int      `json:"excepted"`
}

// A failed step is one of a run, or what exploring has found.
type failed struct {
	Operation string `json:"operation"`
	Kind      string `json:"kind"`
	Text      string `json:"text"`
	File      string `json:"file,omitempty"`
	At        int    `json:"at,omitempty"` // the line in it
	Curl      string `json:"curl,omitempty"`
	Test      string `json:"test,omitempty"`

	line int // of the contract
}

// A reported violation is one with its place in a file.
type reported struct {
	contract.Violation
	Times int    `json:"times"`
	Entry int    `json:"entry,omitempty"` // of an archive
	File  string `json:"file"`
	At    int    `json:"at"` // the line in it
}

func (r *contractReport) add(v contract.Violation, times, entry int) {
	r.Violations = append(r.Violations, reported{Violation: v, Times: times, Entry: entry})
}

// complete adds what is known besides the violations.
func (r *contractReport) complete(h *holding) {
	origin := func(line int) (string, int) {
		file, at := h.text.Origin(line)
		if file == embeddedName {
			file = "openapi.yaml"
		}
		return file, at
	}
	for i := range r.Violations {
		v := &r.Violations[i]
		v.File, v.At = origin(v.Line)
	}
	for i := range r.Failures {
		if f := &r.Failures[i]; f.line > 0 {
			f.File, f.At = origin(f.line)
		}
	}
	r.Violations, r.Failures = append([]reported{}, r.Violations...), append([]failed{}, r.Failures...) // [] rather than null
	r.Differences, r.Coverage, r.table, r.proposal = h.drift.Differences(), h.ledger.Coverage(), h.ledger.Report(), h.propose
	r.Operations = h.ledger.Operations()
}

// write writes the report in a format.
func (r *contractReport) write(out io.Writer, format string) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	case "junit":
		return r.junit(out)
	case "sarif":
		return r.sarif(out)
	case "github":
		return r.github(out)
	case "html":
		return reportPage.Execute(out, r)
	}
	return r.text(out)
}

// text is for people at a terminal.
func (r *contractReport) text(out io.Writer) error {
	var b strings.Builder
	switch {
	case r.Explored != nil:
		r.explored(&b)
	case !r.archive:
		fmt.Fprintf(&b, "Every operation, on %s\n\n%s\n", r.Where, r.table)
	}
	for i, v := range r.Violations {
		number := fmt.Sprintf("%d.", i+1)
		if v.Entry > 0 {
			number = fmt.Sprintf("entry %d:", v.Entry)
		}
		fmt.Fprintf(&b, "%s %s", number, v.Violation)
		if v.Times > 1 {
			fmt.Fprintf(&b, " (%d times)", v.Times)
		}
		fmt.Fprintln(&b)
		if v.Suggest != "" {
			fmt.Fprintf(&b, "    to allow it: %s\n", v.Suggest)
		}
	}
	for i, f := range r.Failures {
		fmt.Fprintf(&b, "%d. %s\n", len(r.Violations)+i+1, f.Text)
		if f.Curl != "" {
			fmt.Fprintf(&b, "\n%s\n%s\n", indented(f.Curl), indented(f.Test))
		}
	}
	switch {
	case r.archive:
		fmt.Fprintf(&b, "%d exchanges with operations of the contract, %d others, %d violations\n", r.Exchanges, r.Others, len(r.Violations))
	case r.Explored != nil && len(r.Explored.Unreached)+len(r.Explored.Skipped) == r.Explored.Operations:
	case len(r.Violations)+len(r.Failures) == 0:
		fmt.Fprintln(&b, "Both sides keep the contract.")
	}
	if r.proposal != "" && len(r.Differences) > 0 {
		r.proposed(&b)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// explored says how a service was explored.
func (r *contractReport) explored(b *strings.Builder) {
	e := r.Explored
	fmt.Fprintf(b, "%d operations of %s: %d requests in %.1f s, seed %d\n", e.Operations, r.Where, e.Requests, e.Seconds, e.Seed)
	if !e.Complete {
		fmt.Fprintln(b, "Not every case was tried; --time gives it longer.")
	}
	if len(e.Unreached) > 0 {
		fmt.Fprintf(b, "Never answered with success: %s\n", strings.Join(e.Unreached, ", "))
	}
	for _, why := range e.Skipped {
		fmt.Fprintf(b, "Left out: %s\n", why)
	}
	if e.Excepted > 0 {
		fmt.Fprintf(b, "%s excepted\n", plural(e.Excepted, "failure"))
	}
	fmt.Fprintln(b)
}

// indented returns a text behind four blanks.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

// proposed says what is in the proposal.
func (r *contractReport) proposed(b *strings.Builder) {
	fmt.Fprintln(b)
	proposed := 0
	for _, d := range r.Differences {
		mark := "by hand "
		if d.Proposed {
			mark, proposed = "proposed", proposed+1
		}
		fmt.Fprintf(b, "%s  %s\n", mark, d)
	}
	if proposed == 0 {
		fmt.Fprintf(b, "\nNothing can be proposed; %s is not written.\n", r.proposal)
		return
	}
	fmt.Fprintf(b, "\n%d of %d differences are proposed in %s. Read it before it is applied.\n", proposed, len(r.Differences), r.proposal)
}

// junit is for dashboards of tests: each operation is a test, which is skipped when it was not called.
func (r *contractReport) junit(out io.Writer) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class   string    `xml:"classname,attr"`
		Name    string    `xml:"name,attr"`
		Failure []failure `xml:"failure"`
		Skipped *struct{} `xml:"skipped"`
	}
	suite := struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testcase `xml:"testcase"`
	}{Name: "contract"}
	failures := make(map[string][]failure)
	for _, v := range r.Violations {
		text := fmt.Sprintf("%s\n%s:%d", v.Violation, v.File, v.At)
		failures[v.Operation] = append(failures[v.Operation], failure{string(v.Rule) + " " + v.Place, text})
	}
	for _, f := range r.Failures {
		failures[f.Operation] = append(failures[f.Operation], failure{f.Kind, strings.TrimSpace(f.Text + "\n\n" + f.Curl + "\n" + f.Test)})
	}
	add := func(id string, seen bool) {
		c := testcase{Class: "contract", Name: id, Failure: failures[id]}
		delete(failures, id)
		switch {
		case len(c.Failure) > 0:
			suite.Failures++
		case !seen:
			c.Skipped = &struct{}{}
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
		suite.Tests++
	}
	for _, row := range r.Operations {
		add(row.Operation, len(row.Seen)+len(row.Undocumented) > 0)
	}
	for _, id := range slices.Sorted(maps.Keys(failures)) { // such as no operation
		add(id, true)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, text)
	return err
}

// sarif is SARIF 2.1.0, which code scanning shows beside the contract.
func (r *contractReport) sarif(out io.Writer) error {
	type object = map[string]any
	rules, results := []any{}, []any{}
	known := make(map[string]bool)
	place := func(file string, line int) []any {
		return []any{object{"physicalLocation": object{
			"artifactLocation": object{"uri": (&url.URL{Path: file}).String()}, "region": object{"startLine": max(line, 1)},
		}}}
	}
	for _, v := range r.Violations {
		if !known[string(v.Rule)] {
			known[string(v.Rule)] = true
			rules = append(rules, object{"id": v.Rule})
		}
		results = append(results, object{
			"ruleId": v.Rule, "level": "error", "message": object{"text": v.Violation.String()},
			"locations": place(v.File, v.At),
		})
	}
	for _, f := range r.Failures {
		result := object{"ruleId": f.Kind, "level": "error", "message": object{"text": strings.TrimSpace(f.Text + "\n\n" + f.Curl)}}
		if f.At > 0 {
			result["locations"] = place(f.File, f.At)
		}
		if !known[f.Kind] {
			known[f.Kind] = true
			rules = append(rules, object{"id": f.Kind})
		}
		results = append(results, result)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(object{
		"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"runs": []any{object{"tool": object{"driver": object{"name": "aver contract", "rules": rules}}, "results": results}},
	})
}

// github is the workflow commands of GitHub Actions, which become annotations.
func (r *contractReport) github(out io.Writer) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, v := range r.Violations {
		title := strings.TrimSpace(fmt.Sprintf("%s %s", v.Operation, v.Rule))
		fmt.Fprintf(&b, "::error file=%s,line=%d,title=%s::%s\n", property.Replace(v.File), max(v.At, 1), property.Replace(title),
			data.Replace(v.Violation.String()))
	}
	for _, f := range r.Failures {
		place := ""
		if f.At > 0 {
			place = fmt.Sprintf("file=%s,line=%d,", property.Replace(f.File), f.At)
		}
		fmt.Fprintf(&b, "::error %stitle=%s::%s\n", place, property.Replace(f.Operation+" "+f.Kind),
			data.Replace(strings.TrimSpace(f.Text+"\n\n"+f.Curl)))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "::notice title=not in the contract::%s\n", data.Replace(d.String()))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

//go:embed report.html
var reportText string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"sum": func(all ...map[string]int) (n int) {
		for _, m := range all {
			for _, k := range m {
				n += k
			}
		}
		return n
	},
	"percent": func(some, all int) int { return some * 100 / max(all, 1) },
}).Parse(reportText))

// Covered returns how many of the parts of a direction were seen, for the page.
func (r *contractReport) Covered() []coveredPart {
	var all []coveredPart
	directions := []string{"request", "response", "webhook"}
	if r.Explored != nil {
		directions = []string{"response"} // requests are made so that they have everything, and notifications are not
	}
	for _, direction := range directions {
		part := coveredPart{Direction: direction}
		for _, c := range r.Coverage {
			if strings.HasPrefix(c.What, direction+" ") {
				part.All++
				c.What = strings.TrimPrefix(c.What, direction+" ")
				if c.Seen > 0 {
					part.Seen++
				}
				part.Parts = append(part.Parts, c)
			}
		}
		all = append(all, part)
	}
	return all
}

// A coveredPart is what was seen in messages of a direction.
type coveredPart struct {
	Direction string
	Seen, All int
	Parts     []contract.Coverage
}
