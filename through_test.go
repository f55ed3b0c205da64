package aver_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/goaver/aver-go/internal/mutant"
)

// The suites of the call path hold as well when every call goes through [net/http.Client] instead of straight to its transport.
func TestThroughTheHTTPClient(t *testing.T) {
	if os.Getenv("AVER_THROUGH_CLIENT") == "" {
		t.Skip("make test-all runs this")
	}
	overlay, err := mutant.Overlay(".", t.TempDir(), []mutant.Edit{{File: "authprovider/hop.go",
		Old: "if client.Jar == nil &&", New: "if false && client.Jar == nil &&"}})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "test", "-overlay", overlay, "./authprovider", "./api").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
