package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// What is not set is not sent, what is set goes out as the contract writes it, and what breaks the contract does not.
func TestAddedShapes(t *testing.T) {
	box := sandbox.Start(t)
	var sent, body string
	var header http.Header
	mux := http.NewServeMux()
	mux.Handle("/", box)
	mux.HandleFunc("POST /api/shapes/", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent, body, header = r.RequestURI, string(b), r.Header
		w.WriteHeader(http.StatusNoContent)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(srv.URL+"/api"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	var good api.ShapesRequest
	if err := json.Unmarshal([]byte(`{"size":1.5,"parts":[{"name":"ab","grid":[[{"secret":"PRIVATE"}]]}]}`), &good); err != nil {
		t.Fatal(err)
	}
	send := func(params *api.SendShapesParams, change func(*api.ShapesRequest)) string {
		t.Helper()
		sent, body = "", ""
		request := good
		change(&request)
		err := client.SendShapes(t.Context(), at, []int{3, 4}, params, request)
		var failure *api.Error
		if err == nil {
			return ""
		}
		if !errors.As(err, &failure) || !errors.Is(err, api.ErrInvalidRequest) || sent != "" || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%v, sent %q", err, sent)
		}
		return strings.Join(slices.Sorted(maps.Keys(failure.Fields)), " ")
	}
	same := func(*api.ShapesRequest) {}
	if bad := send(&api.SendShapesParams{Limit: 7}, same); bad != "" {
		t.Fatalf("refused: %s", bad)
	}
	if want := "/api/shapes/2026-11-25T10:00:00Z/3%2C4?limit=7"; sent != want && sent != strings.Replace(want, "%2C", ",", 1) {
		t.Errorf("sent to %s, want %s", sent, want)
	}
	if header.Get("X-N") != "" || header.Get("Cookie") != "" {
		t.Errorf("sent with %v", header)
	}
	if want := `{"owner":null,"parts":[{"grid":[[{"secret":"PRIVATE"}]],"name":"ab"}],"size":1.5}`; !equalJSON(body, want) {
		t.Errorf("sent %s, want %s", body, want)
	}
	all := &api.SendShapesParams{Limit: 1, N: new(0), B: new(false), T: new(at), Kind: new(api.DocumentSideBack), Tags: []string{"a", "b"},
		Ids: []int{1, 2}, XN: new(0.5), Session: new("s1")}
	if bad := send(all, func(r *api.ShapesRequest) { r.Visible, r.Count, r.Owner = new(false), new(0), new("me") }); bad != "" {
		t.Fatalf("refused: %s", bad)
	}
	for _, piece := range []string{"n=0", "b=false", "t=2026-11-25T10%3A00%3A00Z", "kind=Back", "tags=a&tags=b", "ids=1,2"} {
		if !strings.Contains(sent, piece) {
			t.Errorf("sent to %s, without %s", sent, piece)
		}
	}
	if header.Get("X-N") != "0.5" || header.Get("Cookie") != "session=s1" {
		t.Errorf("sent with %v", header)
	}
	for _, piece := range []string{`"visible":false`, `"count":0`, `"owner":"me"`} {
		if !strings.Contains(body, piece) {
			t.Errorf("sent %s, without %s", body, piece)
		}
	}
	for want, params := range map[string]*api.SendShapesParams{
		"limit": nil, "X-N kind limit n session tags tags.0": {Limit: 101, N: new(7), Kind: new(api.DocumentSide("PRIVATE")), Tags: []string{"A",
			"b", "c"}, XN: new(0.0), Session: new("PRIVATE")},
	} {
		if got := send(params, same); got != want {
			t.Errorf("refused for %q, want %q", got, want)
		}
	}
	for want, change := range map[string]func(*api.ShapesRequest){
		"size":            func(r *api.ShapesRequest) { r.Size = 1.25 },
		"owner":           func(r *api.ShapesRequest) { r.Owner = new("PRIVATE PRIVATE") },
		"address":         func(r *api.ShapesRequest) { r.Mail = "a@example.com" },
		"address mail":    func(r *api.ShapesRequest) { r.Mail, r.Address = "PRIVATE", "1.2.3" },
		"code":            func(r *api.ShapesRequest) { r.Size = 2 },
		"parts":           func(r *api.ShapesRequest) { r.Parts = append(r.Parts[:1:1], r.Parts...) },
		"parts.0.name":    func(r *api.ShapesRequest) { r.Parts = slices.Clone(r.Parts); r.Parts[0].Name = "PRIVATE" },
		"labels labels.*": func(r *api.ShapesRequest) { r.Labels = map[string]string{"a": "", "b": "x", "c": "x"} },
	} {
		if got := send(&api.SendShapesParams{Limit: 7}, change); got != want {
			t.Errorf("refused for %q, want %q", got, want)
		}
	}
	good.Unsaid, good.Owner = "PRIVATE", new("PRIVATE")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "request", good, "at", &good)
	if printed := fmt.Sprintf("%v %+v %#v", good, &good, good) + log.String(); strings.Contains(printed, "PRIVATE") {
		t.Errorf("printed as %s", printed)
	}
}

func equalJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}
