// Command changed is the service after a change that nobody announced: checks say to whom they are assigned, and have a new
// type; the date of a search may be null; and a searched list has no version any more.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"

	"github.com/goaver/aver-go/sandbox"
)

func main() {
	box, err := sandbox.New()
	if err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewServer(changed(box))
	fmt.Printf("export AVER_BASE_URL=%s/api AVER_API_KEY=%s AVER_API_SECRET=%s AVER_GROUP_ID=%s\n", srv.URL, box.Key, box.Secret, box.GroupID)
	select {}
}

// changed changes what a service answers.
func changed(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		var value any
		if json.Unmarshal(body, &value) == nil && answer.Code == http.StatusOK {
			body, _ = json.Marshal(change(value)) // it was JSON
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = bytes.NewReader(body).WriteTo(w)
	})
}

// change changes a value and all that is in it.
func change(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = change(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = change(v[name])
		}
		if types, isCheck := v["checkTypes"].([]any); isCheck {
			v["assignedTo"] = "Zephyrine Okafor"
			v["checkTypes"] = append(types, "BiometricVerification")
		}
		if _, isSearch := v["searchDate"]; isSearch {
			v["lastRecheckDate"] = nil
		}
		delete(v, "version")
	}
	return v
}
