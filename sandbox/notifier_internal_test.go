package sandbox

import (
	"strings"
	"testing"
)

// A name that resolves to another computer is found out when it is called.
func TestNoConnectionToAnotherComputer(t *testing.T) {
	w := Webhook{URL: "http://192.0.2.1:9/"}
	n := newNotifier(w)
	defer n.close()
	if d := n.post(w, n.client, queued{}); d.Answer != 0 || !strings.Contains(d.Error, "not one of this computer") {
		t.Errorf("%+v", d)
	}
}
