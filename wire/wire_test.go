package wire_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goaver/aver-go/wire"
)

func TestDate(t *testing.T) {
	if got := wire.NewDate(1988, time.April, 7); got != "04/07/1988" {
		t.Errorf("NewDate = %q", got)
	}
	tests := []struct {
		date wire.Date
		want time.Time
		ok   bool
	}{
		{"04/07/1988", time.Date(1988, 4, 7, 0, 0, 0, 0, time.UTC), true},
		{"", time.Time{}, true},
		{"02/30/2020", time.Time{}, false},
		{"1988-04-07", time.Time{}, false},
	}
	for _, tt := range tests {
		got, err := tt.date.Time()
		if !got.Equal(tt.want) || (err == nil) != tt.ok {
			t.Errorf("Date(%q).Time() = %v, %v", tt.date, got, err)
		}
	}
}

func TestTimestamp(t *testing.T) {
	moment := time.Date(2019, 10, 4, 17, 26, 11, 0, time.UTC)
	tests := []struct {
		stamp wire.Timestamp
		want  time.Time
		ok    bool
	}{
		{"10/4/2019 5:26:11 PM", moment, true},
		{"10/04/2019 05:26:11 PM", moment, true},
		{"2019-10-04T17:26:11Z", moment, true},
		{"2019-10-04T19:26:11+02:00", moment, true},
		{"2019-10-04T17:26:11.5Z", moment.Add(500 * time.Millisecond), true},
		{"", time.Time{}, true},
		{"yesterday", time.Time{}, false},
		{"13/40/2019 5:26:11 PM", time.Time{}, false},
	}
	for _, tt := range tests {
		got, err := tt.stamp.Time()
		if !got.Equal(tt.want) || (err == nil) != tt.ok || got.Location() != time.UTC {
			t.Errorf("Timestamp(%q).Time() = %v, %v", tt.stamp, got, err)
		}
	}
	if got := wire.NewTimestamp(moment.In(time.FixedZone("", 7200))); got != "10/4/2019 5:26:11 PM" {
		t.Errorf("NewTimestamp = %q", got)
	}
	if got := wire.NewTimestamp(time.Time{}); got != "" {
		t.Errorf("NewTimestamp of the zero time = %q", got)
	}
}

func TestScalar(t *testing.T) {
	tests := []struct {
		json   string
		text   string
		number float64
		isNum  bool
		value  bool
		isBool bool
	}{
		{`62`, "62", 62, true, false, false},
		{`"62.5"`, "62.5", 62.5, true, false, false},
		{`"high"`, "high", 0, false, false, false},
		{`true`, "true", 0, false, true, true},
		{`"False"`, "False", 0, false, false, true},
		{`null`, "", 0, false, false, false},
		{`"a\"b"`, `a"b`, 0, false, false, false},
	}
	for _, tt := range tests {
		var s wire.Scalar
		if err := json.Unmarshal([]byte(tt.json), &s); err != nil {
			t.Errorf("%s: %v", tt.json, err)
			continue
		}
		if s.String() != tt.text || fmt.Sprintf("%v|%s", s, s) != tt.text+"|"+tt.text {
			t.Errorf("%s: text is %q", tt.json, s.String())
		}
		if n, ok := s.Float64(); ok != tt.isNum || ok && n != tt.number {
			t.Errorf("%s: Float64 = %v, %v", tt.json, n, ok)
		}
		if b, ok := s.Bool(); ok != tt.isBool || b != tt.value {
			t.Errorf("%s: Bool = %v, %v", tt.json, b, ok)
		}
		if again, _ := json.Marshal(s); string(again) != tt.json {
			t.Errorf("%s: marshals as %s", tt.json, again)
		}
	}
	for _, bad := range []string{`{}`, `[1]`} {
		var s wire.Scalar
		if json.Unmarshal([]byte(bad), &s) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if wire.NewScalar(62) != wire.NewScalar(62.0) || !wire.NewScalar(math.NaN()).IsZero() {
		t.Error("NewScalar")
	}
}

func TestErrorBodyReadsEveryKnownShape(t *testing.T) {
	tests := []struct {
		json string
		want wire.ErrorBody
	}{
		{`"No such check."`, wire.ErrorBody{Message: "No such check."}},
		{`{"message":"m"}`, wire.ErrorBody{Message: "m"}},
		{`{"Message":"m"}`, wire.ErrorBody{Message: "m"}},
		{`{"error":"e"}`, wire.ErrorBody{Message: "e"}},
		{`{"message":"m","error":"e"}`, wire.ErrorBody{Message: "m"}},
		{
			`{"title":"One or more validation errors occurred.","status":400,"errors":{"email":["bad"],"phone":"bad","odd":5},"traceId":"t"}`,
			wire.ErrorBody{
				Title: "One or more validation errors occurred.", Status: 400, TraceID: "t",
				Errors: map[string][]string{"email": {"bad"}, "phone": {"bad"}},
			},
		},
		{`{"status":"400","detail":"d","message":{"odd":1}}`, wire.ErrorBody{Detail: "d"}},
		{`{}`, wire.ErrorBody{}},
	}
	for _, tt := range tests {
		var got wire.ErrorBody
		if err := json.Unmarshal([]byte(tt.json), &got); err != nil {
			t.Errorf("%s: %v", tt.json, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.json, diff)
		}
	}
	var e wire.ErrorBody
	if e.UnmarshalJSON([]byte("<html>")) == nil || e.UnmarshalJSON([]byte("[1]")) == nil {
		t.Error("HTML or an array was accepted")
	}
}

func FuzzScalar(f *testing.F) {
	for _, seed := range []string{`62`, `"62"`, `true`, `null`, `-1e400`, `"\ud800"`, `{}`, ` 1 `, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s wire.Scalar
		if s.UnmarshalJSON(b) != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%q was read but not written: %v", b, err)
		}
		var again wire.Scalar
		if err := json.Unmarshal(out, &again); err != nil || again.String() != s.String() {
			t.Fatalf("%q became %q, which reads as %q (%v)", b, out, again.String(), err)
		}
		s.Float64()
		s.Bool()
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, seed := range []string{"10/4/2019 5:26:11 PM", "2019-10-04T17:26:11Z", "", "1/1/1 1:1:1 AM"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		moment, err := wire.Timestamp(s).Time()
		if err != nil || moment.Year() < 1000 || moment.Year() > 9999 {
			return
		}
		again, err := wire.NewTimestamp(moment).Time()
		if err != nil || moment.Sub(again).Abs() >= time.Second {
			t.Fatalf("%q is %v, which writes and reads as %v (%v)", s, moment, again, err)
		}
	})
}

func FuzzDate(f *testing.F) {
	f.Add("04/17/1988")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		day, err := wire.Date(s).Time()
		if err != nil || s == "" {
			return
		}
		if again := wire.NewDate(day.Date()); string(again) != s {
			t.Fatalf("%q reads as %v, which writes as %q", s, day, again)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{`"s"`, `{"message":"m"}`, `{"errors":{"a":["b"],"c":"d","e":[1]}}`, `[]`, `null`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e wire.ErrorBody
		if e.UnmarshalJSON(b) != nil {
			return
		}
		_, _ = e.Reason(), e.Fields()
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var again wire.ErrorBody
		if err := json.Unmarshal(out, &again); err != nil || again.Reason() != e.Reason() {
			t.Fatalf("%q became %q (%v)", b, out, err)
		}
	})
}

func ExampleNewDate() {
	fmt.Println(wire.NewDate(1988, time.April, 17))
	// Output: 04/17/1988
}

func ExampleTimestamp_Time() {
	for _, stamp := range []wire.Timestamp{"10/4/2019 5:26:11 PM", "2019-10-04T17:26:11Z", ""} {
		t, err := stamp.Time()
		fmt.Println(t.Format(time.RFC3339), t.IsZero(), err)
	}
	// Output:
	// 2019-10-04T17:26:11Z false <nil>
	// 2019-10-04T17:26:11Z false <nil>
	// 0001-01-01T00:00:00Z true <nil>
}
