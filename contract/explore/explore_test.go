package explore_test

import (
	"testing"
	"time"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract/explore"
	"github.com/goaver/aver-go/sandbox"
)

// explorerOf returns an explorer of a sandbox.
func explorerOf(t *testing.T, sb *sandbox.Server) explore.Explorer {
	t.Helper()
	provider, err := authprovider.New(sb.Key, sb.Secret, authprovider.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return explore.Explorer{URL: sb.URL, Authorize: provider.Intercept, Values: map[string]string{"groupId": sb.GroupID}, Seed: 1, Time: 20 * time.Second}
}

// There is nothing to be found in the sandbox.
func TestTheSandboxKeepsTheContract(t *testing.T) {
	explorerOf(t, sandbox.Start(t)).Test(t)
}
