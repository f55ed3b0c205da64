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
	for range 2 {
		placed := make(map[string]bool)
		filled, err := fill(page, map[string]string{"calls": "new\n", "other": "lost"}, placed)
		if filled != want || err != nil || !placed["calls"] || placed["other"] || placed["cold"] {
			t.Errorf("%q, %v, %v", filled, placed, err)
		}
		page = filled
	}
}

func TestAPlaceWithoutAnEndIsRefused(t *testing.T) {
	for _, page := range []string{
		"<!-- make bench: calls -->\nold\n# By hand\n<!-- make bench: cold -->\nold\n<!-- end -->\n", "<!-- make bench: calls -->\nold\n",
	} {
		if filled, err := fill(page, map[string]string{"calls": "new", "cold": "new"}, make(map[string]bool)); err == nil {
			t.Errorf("%q", filled)
		}
	}
}

func TestHeadingSaysHowOften(t *testing.T) {
	r := newReport("here")
	if r.rounds = 1; r.heading() != "here, one round: no figure has a spread." {
		t.Error(r.heading())
	}
	if r.rounds = 3; r.heading() != "here, 3 rounds: medians, with what the middle half of the rounds measured." {
		t.Error(r.heading())
	}
}

func TestTargets(t *testing.T) {
	r := newReport("")
	r.target("w", "least", figure{1.1}, 1, true)
	r.target("w", "most", figure{1.1}, 1, false)
	if got := r.judge.rows; got[0][4] != "met" || got[1][4] != "missed by 10.0 %" {
		t.Errorf("%q", got)
	}
}
