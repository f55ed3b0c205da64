package jsondec_test

import (
	"strings"
	"testing"

	"github.com/goaver/aver-go/wire/jsondec"
)

func TestDiscriminator(t *testing.T) {
	if is, err := jsondec.Discriminator([]byte(`{"kind":"cat"}`), "kind"); is != "cat" || err != nil {
		t.Errorf("%q, %v", is, err)
	}
	for _, object := range []string{``, `null`, `7`, `{}`, `{"kind":7}`, `{"kind":null}`, `{"PRIVATE":"PRIVATE"`, `["PRIVATE"]`} {
		if is, err := jsondec.Discriminator([]byte(object), "kind"); err == nil && is != "" || err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %q, %v", object, is, err)
		}
	}
}
