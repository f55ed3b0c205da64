package sandbox

import (
	"net/http"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// advanced is the answer to what the plan does not include.
func advanced() *failure {
	return problem(http.StatusForbidden, "This needs the Advanced plan.")
}

// admitPlan refuses an operation that needs the Advanced plan as a whole. Create and search do so by what they ask for.
func (s *Sandbox) admitPlan(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		byContent := r.URL.Path == "/api/check/create" || r.URL.Path == "/api/watchlist/search"
		if s.config.basicPlan && !byContent && s.operationOf(r).advanced {
			writeProblem(w, advanced())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// needsAdvanced reports whether a create asks for what the Advanced plan alone includes.
func needsAdvanced(b *server.CreateCheckRequest) bool {
	return b.CheckTypes != nil || b.SupplementalDocumentTypes != nil || b.WatchlistSearchCategories != nil || b.WatchlistRecheckInterval != nil
}
