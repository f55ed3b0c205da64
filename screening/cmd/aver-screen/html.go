package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Parse(page))

// maxOnPage is how many rows a page shows: what can be looked at, and a browser can hold.
const maxOnPage = 5000

// A htmlPage is what page.html shows: counts, and the rows that somebody has to look at.
type htmlPage struct {
	List, At, Shown string
	Kind            screening.Kind
	Hits            string // what they are called
	Status          screening.Status
	Counts          []count
	Lists           []*count
	Rows            []htmlRow
}

type count struct {
	Name    string
	N       int64
	Highest string
	most    float64
}

type htmlRow struct {
	Number       int64
	ID, Name     string
	State        screening.State
	Status       string // of a check
	Reason, Most string
	Hits         []htmlHit
}

type htmlHit struct {
	Name, List, Confidence string
	confidence             *float64
}

// hitsOf returns what somebody has to look at of a row: the hits of a search, the warnings of a check.
func hitsOf(r screening.Result) (hits []htmlHit) {
	if r.Results != nil {
		for _, hit := range r.Results.WatchlistResults {
			hits = append(hits, htmlHit{Name: hit.MatchName, List: hit.WatchlistName, confidence: hit.MatchConfidence})
		}
		for _, media := range r.Results.AdverseMediaResults {
			hits = append(hits, htmlHit{Name: cmp.Or(media.Title, media.Name), List: "adverse media"})
		}
	}
	if r.Check != nil {
		for _, warning := range r.Check.Warnings {
			hits = append(hits, htmlHit{List: string(warning)})
		}
	}
	return hits
}

// writeHTML writes one page, which needs nothing else.
func writeHTML(w io.Writer, list string, st screening.Status, each func(func(screening.Result) error) error) error {
	p := htmlPage{List: list, Status: st, At: time.Now().UTC().Format(time.RFC1123)}
	for _, state := range screening.States() {
		if n := st.Rows[state]; n > 0 {
			p.Counts = append(p.Counts, count{Name: string(state), N: n})
		}
	}
	lists := make(map[string]*count)
	worth := 0
	err := each(func(r screening.Result) error {
		p.Kind = r.Kind
		row := htmlRow{Number: r.Row.Number, ID: r.Row.ID, Name: cmp.Or(nameOfRow(r.Row), r.Row.Email), State: r.State, Reason: r.Reason}
		highest := -1.0
		for _, h := range hitsOf(r) {
			known := lists[h.List]
			if known == nil {
				known = &count{Name: h.List, most: -1}
				lists[h.List] = known
			}
			known.N++
			if h.confidence != nil {
				h.Confidence = strconv.FormatFloat(*h.confidence, 'f', -1, 64)
				highest, known.most = max(highest, *h.confidence), max(known.most, *h.confidence)
			}
			row.Hits = append(row.Hits, h)
		}
		if c := r.Check; c != nil {
			row.Status = strings.Trim(string(c.Status)+", "+string(c.StatusReason), ", ")
		}
		rejected := r.Check != nil && r.State == screening.Done && !r.Check.Status.Is(api.CheckStatusCompleted)
		if len(row.Hits) == 0 && r.State != screening.Unknown && r.State != screening.Refused && !rejected {
			return nil
		}
		if worth++; worth <= maxOnPage {
			if highest >= 0 {
				row.Most = strconv.FormatFloat(highest, 'f', -1, 64)
			}
			p.Rows = append(p.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, known := range lists {
		if known.most >= 0 {
			known.Highest = strconv.FormatFloat(known.most, 'f', -1, 64)
		}
	}
	p.Lists = slices.SortedFunc(maps.Values(lists), func(a, b *count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	shown := "Rows with hits, and those that are refused or unknown"
	if p.Kind == screening.Check {
		shown = "Rows with warnings, and those that are rejected, refused or unknown"
	}
	if p.Hits = "hits"; p.Kind == screening.Check {
		p.Hits = "warnings"
	}
	p.Shown = fmt.Sprintf("%s: %d.", shown, worth)
	if worth > maxOnPage {
		p.Shown = fmt.Sprintf("%s: the first %d of %d. The rest is in --format csv.", shown, maxOnPage, worth)
	}
	return pageTemplate.Execute(w, p)
}
