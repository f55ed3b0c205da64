package suite_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/suite"
	"github.com/goaver/aver-go/sandbox"
)

// A recording of every operation answers every operation: the same client sees the same, without a network.
func TestReplayAnswersEveryOperation(t *testing.T) {
	box := sandbox.Start(t)
	var har bytes.Buffer
	recorder := contract.Record(nil, &har)
	target := suite.Target{URL: box.URL, Key: box.Key, Secret: box.Secret, GroupID: box.GroupID, Transport: recorder}
	if findings, err := suite.Run(t.Context(), target); err != nil || len(findings) > 0 {
		t.Fatalf("%v, %v", findings, err)
	}
	recorder.CloseIdleConnections()
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	recording := har.Bytes()
	for _, secret := range []string{box.Key, box.Secret, "127.0.0.1", "Lindqvist", "218 " +
		"Harbor", "2075550143", "04/17/1988", "Bearer", "/9j/", "203.0.113.24"} {
		if bytes.Contains(recording, []byte(secret)) {
			t.Errorf("the recording holds %s", secret)
		}
	}
	ledger := &contract.Ledger{}
	entries, others, err := contract.CheckHAR(bytes.NewReader(recording), contract.WithLedger(ledger))
	if err != nil || others > 0 {
		t.Fatalf("%d others, %v", others, err)
	}
	for _, e := range entries {
		if len(e.Violations) > 0 {
			t.Errorf("entry %d: %v", e.Number, e.Violations)
		}
	}
	for _, missing := range ledger.Missing() {
		if strings.HasSuffix(missing, " 200") {
			t.Errorf("%s is not recorded", missing)
		}
	}

	replayer, err := contract.Replay(bytes.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	target.Transport, target.URL, target.Key, target.Secret = replayer, "https://app.goaver.com/api", "another", "another"
	if findings, err := suite.Run(t.Context(), target); err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", findings, err)
	}
	if left := replayer.Unused(); len(left) > 0 {
		t.Errorf("unused: %v", left)
	}
	if t.Failed() {
		t.Logf("%.3000s", recording)
	}
}
