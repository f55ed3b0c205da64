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
	"time"

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
	Reason, Most string
	Hits         []htmlHit
}

type htmlHit struct{ Name, List, Confidence string }

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
		row := htmlRow{Number: r.Row.Number, ID: r.Row.ID, Name: nameOfRow(r.Row), State: r.State, Reason: r.Reason}
		highest := -1.0
		if r.Results != nil {
			for _, hit := range r.Results.WatchlistResults {
				h := htmlHit{Name: hit.MatchName, List: hit.WatchlistName}
				known := lists[hit.WatchlistName]
				if known == nil {
					known = &count{Name: hit.WatchlistName, most: -1}
					lists[hit.WatchlistName] = known
				}
				known.N++
				if c := hit.MatchConfidence; c != nil {
					h.Confidence = strconv.FormatFloat(*c, 'f', -1, 64)
					highest, known.most = max(highest, *c), max(known.most, *c)
				}
				row.Hits = append(row.Hits, h)
			}
			for _, media := range r.Results.AdverseMediaResults {
				row.Hits = append(row.Hits, htmlHit{Name: media.Title, List: "adverse media"})
			}
		}
		if len(row.Hits) == 0 && r.State != screening.Unknown && r.State != screening.Refused {
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
	p.Shown = fmt.Sprintf("Rows with hits, and those that are refused or unknown: %d.", worth)
	if worth > maxOnPage {
		p.Shown = fmt.Sprintf("Rows with hits, and those that are refused or unknown: the first %d of %d. The rest is in --format csv.",
			maxOnPage, worth)
	}
	return pageTemplate.Execute(w, p)
}
