// Package screening searches watchlists for many people, or creates checks for them: resumable after any interruption, and never the
// same person twice by itself.
//
//	db, err := screening.SQLite("people.db")
//	s, err := screening.New(ctx, client, db, screening.WithGroup(groupID))
//	added, err := s.Add(ctx, "people", screening.Search, screening.CSV(file, screening.Search, nil))
//	err = s.Work(ctx, "people") // until nothing is left to do
//	for result, err := range s.Results(ctx, "people") { … }
//
// River (https://riverqueue.com) keeps the work and hands it out, in the same database as what came of it.
//
// A watchlist search costs money and has no identifier by which it could be found again. So the intent to send one is committed before
// it is sent, and the outcome after. Where neither an answer nor a failure says what happened (the process died in between, the
// connection broke), the row is [Unknown]: it is never sent again by itself. [Screening.Mark] and [Screening.Repeat] say what
// is to become of it. The search of a row with a CheckID is read back by its check instead.
//
// At most one check exists of a third-party identifier. So a [Check] is created again when it is unclear whether it was; its link is in
// the results from then on, and [Screening.Notify] or a look from time to time brings what became of it.
package screening
