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
	Exchanges   int                          `json:"exchanges,omitempty"` // with operations, of an archive
	Others      int                          `json:"others,omitempty"`
	Violations  []reported                   `json:"violations"`
	Failures    []string                     `json:"failures"` // steps that failed
	Differences []contract.Difference        `json:"differences"`
	Operations  []contract.OperationCoverage `json:"operations"`
	Coverage    []contract.Coverage          `json:"coverage"`

	archive  bool   // it is of one, rather than of a run
	proposal string // the file of the proposal
	table    string
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
	for i := range r.Violations {
		v := &r.Violations[i]
		if v.File, v.At = h.text.Origin(v.Line); v.File == embeddedName {
			v.File = "openapi.yaml"
		}
	}
	r.Violations, r.Failures = append([]reported{}, r.Violations...), append([]string{}, r.Failures...) // [] rather than null
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
	if !r.archive {
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
		fmt.Fprintf(&b, "%d. %s\n", len(r.Violations)+i+1, f)
	}
	switch {
	case r.archive:
		fmt.Fprintf(&b, "%d exchanges with operations of the contract, %d others, %d violations\n", r.Exchanges, r.Others, len(r.Violations))
	case len(r.Violations)+len(r.Failures) == 0:
		fmt.Fprintln(&b, "Both sides keep the contract.")
	}
	if r.proposal != "" && len(r.Differences) > 0 {
		r.proposed(&b)
	}
	_, err := io.WriteString(out, b.String())
	return err
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
		id, _, _ := strings.Cut(f, " ")
		failures[id] = append(failures[id], failure{"the step failed", f})
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
	known := make(map[contract.Rule]bool)
	for _, v := range r.Violations {
		if !known[v.Rule] {
			known[v.Rule] = true
			rules = append(rules, object{"id": v.Rule})
		}
		results = append(results, object{
			"ruleId": v.Rule, "level": "error", "message": object{"text": v.Violation.String()},
			"locations": []any{object{"physicalLocation": object{
				"artifactLocation": object{"uri": (&url.URL{Path: v.File}).String()}, "region": object{"startLine": max(v.At, 1)},
			}}},
		})
	}
	for _, f := range r.Failures {
		results = append(results, object{"ruleId": "step", "level": "error", "message": object{"text": f}})
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
		fmt.Fprintf(&b, "::error title=a step failed::%s\n", data.Replace(f))
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
	for _, direction := range []string{"request", "response", "webhook"} {
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
