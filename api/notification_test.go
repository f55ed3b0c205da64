package api_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goaver/aver-go/api"
)

func TestReadNotification(t *testing.T) {
	for _, tt := range []struct{ body, want, err string }{
		{`{"statusMessage":{"type":"LiveCheck","id":"c1","groupId":" 12345","status":"Completed"}}`, "LiveCheck c1 12345 Completed", ""},
		{` {"v":2,"statusMessage":{"id":"c1","type":"somethingNew","status":"DONE","more":[{}]}}` + "\n", "somethingNew c1  DONE", ""},
		{`{"statusMessage":{"type":"livecheck","id":"c1","groupId":null,"status":"complete"}}`, "livecheck c1  complete", ""},
		{`{}`, "", "no notification that the contract knows"},
		{`null`, "", "no notification that the contract knows"},
		{`{"statusMessage":null}`, "", "no notification that the contract knows"},
		{`{"statusmessage":{"type":"LiveCheck","id":"c1","status":"Completed"}}`, "", "no notification that the contract knows"},
		{`{"statusMessage":"private"}`, "", "a JSON string at statusMessage"},
		{`{"statusMessage":{"type":"LiveCheck","status":"Completed"}}`, "", "it lacks id"},
		{`{"statusMessage":{"type":"LiveCheck","id":"","status":"Completed"}}`, "", "it lacks id"},
		{`{"statusMessage":{"type":7,"id":"c1","status":"Completed"}}`, "", "a JSON number at statusMessage.type"},
		{`{"statusMessage":{"id":"a","id":"b","type":"t","status":"s"}}`, "", "a property twice"},
		{`[{"statusMessage":{}}]`, "", "the body is a JSON array"},
		{``, "", "truncated"},
		{`{"statusMessage":{"type":"private`, "", "truncated"},
		{`{"statusMessage":{"type":private}}`, "", "not valid JSON"},
		{"\ufeff{}", "", "not valid JSON"},
		{strings.Repeat("[", 200_000), "", "not valid JSON"},
	} {
		got, err := api.ReadNotification([]byte(tt.body))
		if tt.err != "" {
			if err == nil || got != nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "private") {
				t.Errorf("%.60s: %v", tt.body, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.body, err)
			continue
		}
		m := got.Value.(*api.StatusChangedNotification).StatusMessage
		text := strings.Join([]string{string(m.Type), m.ID, m.GroupID, string(m.Status)}, " ")
		if got.Webhook != "statusChanged" || text != tt.want {
			t.Errorf("%s: %s: %s", tt.body, got.Webhook, text)
		}
	}
}

func FuzzReadNotification(f *testing.F) {
	f.Add([]byte(`{"statusMessage":{"type":"LiveCheck","id":"c1","groupId":" 12345","status":"Completed"}}`))
	f.Add([]byte(`{"statusMessage":{"type":"\ud800","id":"\u0000","status":""}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := api.ReadNotification(body)
		if (got == nil) != (err != nil) || err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("%v, %v", got, err)
		}
		if err == nil && got.Value.(*api.StatusChangedNotification).StatusMessage.ID == "" {
			t.Error("a notification without an ID")
		}
	})
}
