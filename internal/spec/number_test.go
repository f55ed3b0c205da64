package spec_test

import (
	"strings"
	"testing"

	"github.com/goaver/aver-go/internal/spec"
)

func TestHugeNumber(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1,"b":[-2.5e10,3],"c":true}`: false, `{"a":"` + strings.Repeat("9", 1000) + `"}`: false, `{"a":"\"` + strings.Repeat("9", 1000) + `"}`: false,
		strings.Repeat("[1,", 100): false, `1e999`: false, `1e9999`: true, `1E+99999`: true, `[1` + strings.Repeat("0", 64) + `]`: true,
		`{"a":0.` + strings.Repeat("1", 80) + `}`: true,
	} {
		if got := spec.HugeNumber([]byte(text)); got != want {
			t.Errorf("%.40s: %v", text, got)
		}
	}
}
