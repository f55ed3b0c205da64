package main

import "testing"

func TestFigures(t *testing.T) {
	f := figure{4, 1, 3, 2, 100}
	for got, want := range map[string]string{
		f.text(1): "3.0 (2.0 to 4.0)", figure{5}.text(2): "5.00", f.per(2).text(1): "1.5 (1.0 to 2.0)",
		ratio(figure{2, 9}, figure{1, 3}).text(2): "2.50 (2.25 to 2.75)",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestPagesKeepWhatWasNotMeasured(t *testing.T) {
	page := "a\n<!-- make bench: calls -->\n<!-- end -->\nb\n<!-- make bench: cold -->\nold\n<!-- end -->\nc\n"
	const want = "a\n<!-- make bench: calls -->\n\nnew\n\n<!-- end -->\nb\n<!-- make bench: cold -->\nold\n<!-- end -->\nc\n"
	once := fill(page, map[string]string{"calls": "new\n"})
	if once != want {
		t.Errorf("%q", once)
	}
	if twice := fill(once, map[string]string{"calls": "new\n"}); twice != want {
		t.Errorf("a second time: %q", twice)
	}
}

func TestTargets(t *testing.T) {
	r := newReport("")
	r.target("w", "least", figure{1.1}, 1, true)
	r.target("w", "most", figure{1.1}, 1, false)
	if got := r.judge.rows; got[0][4] != "met" || got[1][4] != "missed by 10 %" {
		t.Errorf("%q", got)
	}
}
