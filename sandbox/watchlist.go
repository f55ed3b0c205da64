package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire"
)

// A search is a watchlist search. It never changes.
type search struct {
	id         string
	checkID    *string
	made       time.Time
	visual     bool
	recheck    int
	categories []server.WatchlistCategory
	criteria   server.SearchCriteria
	outcome    outcome
	rechecked  time.Time // when it last ran again; zero before
}

// searchFor makes the search of a check. s.mu is held.
func (s *Sandbox) searchFor(c *check) *search {
	p := c.known()
	found := &search{
		id:         uuid.NewString(),
		checkID:    &c.id,
		made:       s.config.now(),
		visual:     c.has(server.CheckTypeVisualWatchlist),
		recheck:    c.recheck,
		categories: c.categories,
		outcome:    c.outcome,
		criteria: server.SearchCriteria{
			FirstName:     &p.FirstName,
			MiddleName:    text(p.MiddleName),
			LastName:      &p.LastName,
			BusinessName:  text(p.CompanyName),
			Country:       text(p.Country),
			StateProvince: text(p.StateOrProvince),
		},
	}
	s.keep(found)
	return found
}

// keep stores a search. s.mu is held.
func (s *Sandbox) keep(found *search) {
	s.searches[found.id] = found
	s.newestSearches = newest(s.newestSearches, found.id)
	if found.checkID != nil {
		s.searchOf[*found.checkID] = found
	}
}

// text returns the text, or an empty one when there is none, as the service sends it.
func text(s *string) *string {
	if s == nil {
		return new("")
	}
	return s
}

func (s *service) SearchWatchlists(ctx context.Context, r server.SearchWatchlistsRequestObject) (server.SearchWatchlistsResponseObject, error) {
	b := r.Body
	if s.config.basicPlan && b.FileContent != nil {
		return nil, advanced()
	}
	if b.GroupID != s.config.group.ID {
		return nil, invalid(map[string][]string{"groupId": {"is not a check group of this organisation"}})
	}
	if b.FileContent != nil {
		if _, err := readDocument(ctx, *b.FileContent); err != nil {
			return nil, err
		}
	}
	lastName, businessName := *text(b.LastName), *text(b.BusinessName)
	found := &search{
		id:         uuid.NewString(),
		checkID:    b.CheckID,
		made:       s.config.now(),
		visual:     b.FileContent != nil,
		categories: b.Categories,
		outcome:    outcomeOf(lastName, businessName),
		criteria: server.SearchCriteria{
			FirstName:     text(b.FirstName),
			MiddleName:    text(b.MiddleName),
			LastName:      &lastName,
			BusinessName:  &businessName,
			Country:       text(b.Country),
			StateProvince: text(b.StateOrProvince),
		},
	}
	if found.categories == nil {
		found.categories = s.defaults.categories
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.CheckID != nil {
		if _, err := s.find(*b.CheckID); err != nil {
			return nil, err
		}
	}
	s.keep(found)
	s.notifyOf(found, server.NotificationTypeWatchlistSearch)
	return server.SearchWatchlists200JSONResponse{ID: found.id}, nil
}

func (s *Sandbox) describeSearch(f *search) server.WatchlistSearch {
	d := server.WatchlistSearch{
		ID:              f.id,
		GroupID:         s.config.group.ID,
		OrganizationID:  &s.config.organizationID,
		CheckID:         f.checkID,
		Status:          f.outcome.search,
		SearchDate:      wire.NewTimestamp(f.made),
		SearchType:      server.WatchlistSearchTypeText,
		RecheckInterval: &f.recheck,
		SearchCriteria:  f.criteria,
	}
	if !f.rechecked.IsZero() {
		d.LastRecheckDate = wire.NewTimestamp(f.rechecked)
	}
	if f.visual {
		d.SearchType = server.WatchlistSearchTypeTextAndVisual
	}
	return d
}

// findSearch returns a search. s.mu is held.
func (s *Sandbox) findSearch(id string) (*search, error) {
	if f, ok := s.searches[id]; ok {
		return f, nil
	}
	return nil, problem(http.StatusNotFound, "No watchlist search has this ID.")
}

func (s *service) GetWatchlistSearch(_ context.Context, r server.GetWatchlistSearchRequestObject) (server.GetWatchlistSearchResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.findSearch(r.ID)
	if err != nil {
		return nil, err
	}
	return server.GetWatchlistSearch200JSONResponse(s.describeSearch(f)), nil
}

func (s *service) GetWatchlistSearchByCheckID(_ context.Context,
	r server.GetWatchlistSearchByCheckIDRequestObject) (server.GetWatchlistSearchByCheckIDResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.CheckID)
	if err != nil {
		return nil, err
	}
	f, ok := s.searchOf[c.id]
	if !ok {
		return nil, problem(http.StatusNotFound, "The check has made no watchlist search.")
	}
	return server.GetWatchlistSearchByCheckID200JSONResponse(s.describeSearch(f)), nil
}

func (s *service) GetWatchlistSearchResults(_ context.Context,
	r server.GetWatchlistSearchResultsRequestObject) (server.GetWatchlistSearchResultsResponseObject, error) {
	s.mu.Lock()
	f, err := s.findSearch(r.ID)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d := s.describeSearch(f)
	results := server.GetWatchlistSearchResults200JSONResponse{
		ID:                  d.ID,
		GroupID:             d.GroupID,
		OrganizationID:      d.OrganizationID,
		CheckID:             d.CheckID,
		Status:              d.Status,
		SearchDate:          d.SearchDate,
		SearchType:          d.SearchType,
		RecheckInterval:     d.RecheckInterval,
		LastRecheckDate:     d.LastRecheckDate,
		SearchCriteria:      d.SearchCriteria,
		WatchlistResults:    []server.WatchlistHit{},
		AdverseMediaResults: []server.AdverseMediaHit{},
	}
	if d.Status != server.WatchlistStatusCompleted {
		return results, nil
	}
	for i := range f.outcome.hits {
		results.WatchlistResults = append(results.WatchlistResults, f.hit(i))
	}
	for i := range f.outcome.media {
		results.AdverseMediaResults = append(results.AdverseMediaResults, f.news(i))
	}
	return results, nil
}

// name returns whom the search looked for.
func (f *search) name() string {
	if business := stripWords(*f.criteria.BusinessName); business != "" && *f.criteria.FirstName == "" {
		return business
	}
	return *f.criteria.FirstName + " " + stripWords(*f.criteria.LastName)
}

// agree says whether a criterion was given, and so matched: hits agree with all that is known.
func agree(criterion *string) server.Match {
	if *criterion == "" {
		return server.MatchUnavailable
	}
	return server.MatchMatch
}

func (f *search) hit(i int) server.WatchlistHit {
	return server.WatchlistHit{
		MatchConfidence:   new(max(0.5, 0.98-float64(i)*0.01)),
		WatchlistName:     f.lists()[i%len(f.lists())].Name,
		MatchName:         new(f.name()),
		FirstNameMatch:    agree(f.criteria.FirstName),
		LastNameMatch:     agree(f.criteria.LastName),
		MiddleNameMatch:   server.MatchUnavailable,
		BusinessNameMatch: agree(f.criteria.BusinessName),
		StateMatch:        server.MatchNoMatch,
		CountryMatch:      agree(f.criteria.Country),
		AdditionalInformation: map[string]string{
			"entry":    fmt.Sprintf("SB-%05d", i+1),
			"listedOn": f.made.AddDate(0, -i%60-1, 0).Format(time.DateOnly),
		},
	}
}

func (f *search) news(i int) server.AdverseMediaHit {
	return server.AdverseMediaHit{
		DatePublished:     wire.Timestamp(f.made.AddDate(0, -i-1, 0).UTC().Format(time.RFC3339)),
		Title:             nil, // as in the vendor's example, where the headline is the name
		Description:       "A made-up piece of news that names whom the search looked for.",
		Name:              "A made-up headline of the sandbox about " + f.name(),
		Source:            "The Example Courier",
		URL:               fmt.Sprintf("https://courier.example.com/%d", i+1),
		MatchScore:        new(0.74),
		BusinessMatchName: agree(f.criteria.BusinessName),
		FirstNameMatch:    agree(f.criteria.FirstName),
		MiddleNameMatch:   server.MatchUnavailable,
		LastNameMatch:     agree(f.criteria.LastName),
		StateMatch:        server.MatchUnavailable,
		CountryMatch:      agree(f.criteria.Country),
	}
}

// lists returns the lists that the search went through, one for each category, with the day as version.
func (f *search) lists() []server.SearchedList {
	lists := make([]server.SearchedList, 0, len(f.categories)+1)
	version := f.made.UTC().Format(time.DateOnly)
	for _, category := range f.categories {
		lists = append(lists, server.SearchedList{Name: "Sandbox list " + string(category), Version: version})
	}
	return append(lists, server.SearchedList{Name: "Sandbox consolidated sanctions", Version: version})
}

func (s *service) ListSearchedLists(_ context.Context, r server.ListSearchedListsRequestObject) (server.ListSearchedListsResponseObject, error) {
	s.mu.Lock()
	f, err := s.findSearch(r.ID)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return server.ListSearchedLists200JSONResponse(f.lists()), nil
}
