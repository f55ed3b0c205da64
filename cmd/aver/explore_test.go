package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/sandbox"
)

// The sandbox has no failures; a service that has one is told of in every format, with what shows it and without a secret.
func TestContractExplore(t *testing.T) {
	out, err := aver(t.Context(), "contract", "explore", "--requests", "300", "--seed", "5")
	if err != nil || !strings.Contains(out, "21 operations of the built-in sandbox") || !strings.Contains(out, "seed 5") ||
		!strings.Contains(out, "Not every case was tried") {
		t.Errorf("%v\n%s", err, out)
	}

	box := sandbox.Start(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/phone") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		box.ServeHTTP(w, r)
	}))
	defer server.Close()
	t.Setenv("AVER_API_KEY", box.Key)
	t.Setenv("AVER_API_SECRET", box.Secret)
	t.Setenv("AVER_GROUP_ID", box.GroupID)
	for format, want := range map[string]string{
		"text": "1. server error: addPhone", "json": `"kind": "server error"`, "junit": `<failure message="server error">`,
		"sarif":  `"ruleId": "server error"`,
		"github": "title=addPhone server error::", "html": "<summary class=\"bad\">server error: addPhone",
	} {
		out, err := aver(t.Context(), "contract", "explore", server.URL+"/api", "--requests", "120", "--format", format)
		if status(err) != 1 || !strings.Contains(out, want) {
			t.Errorf("%s: status %d, %v\n%s", format, status(err), err, out)
		}
		for _, secret := range []string{box.Key, box.Secret, box.GroupID} {
			if strings.Contains(out, secret) {
				t.Errorf("%s tells what only the account knows", format)
			}
		}
		if format == "json" && !json.Valid([]byte(out)) {
			t.Error("the report is no JSON")
		}
	}
	out, err = aver(t.Context(), "contract", "explore", server.URL+"/api", "--requests", "120", "--except", "* addPhone", "--except",
		"never succeeds submitCheck")
	if err != nil || !strings.Contains(out, "excepted") {
		t.Errorf("%v\n%s", err, out)
	}
	for want, args := range map[string][]string{
		"another machine":                 {"https://app.goaver.com/api"},
		"cannot be reached":               {"http://127.0.0.1:1/api"},
		"--value":                         {server.URL, "--value", "groupId"},
		"want NAME=VARIABLE":              {server.URL, "--header", "X-Api-Key"},
		"the environment has no variable": {server.URL, "--header", "X-Api-Key=hunter2"},
		"no failure is called":            {server.URL, "--except", "nonsense foo"},
		"--propose":                       {server.URL, "--propose", "x.yaml"},
		"--format":                        {server.URL, "--format", "pdf"},
	} {
		_, err := aver(t.Context(), append([]string{"contract", "explore"}, args...)...)
		if status(err) != 2 || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: status %d, %v", args, status(err), err)
		}
	}
	t.Setenv("AVER_API_SECRET", "")
	t.Setenv("AVER_API_KEY", "")
	if _, err := aver(t.Context(), "contract", "explore", server.URL+"/api"); status(err) != 2 || !strings.Contains(err.Error(), "AVER_API_KEY") {
		t.Errorf("without credentials: %v", err)
	}
}
