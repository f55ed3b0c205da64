package jsondec

import (
	"math"
	"strconv"
	"strings"
)

// number reads a number as it stands in the text.
func (d *Decoder) number() []byte {
	c := d.next()
	if d.err != nil {
		return nil
	}
	if c != '-' && (c < '0' || c > '9') {
		d.mistyped(c)
		return nil
	}
	begin := d.pos
	digits := func() int {
		n := 0
		for d.at(&begin) && d.buf[d.pos] >= '0' && d.buf[d.pos] <= '9' {
			d.pos++
			n++
		}
		return n
	}
	need := func(ok bool) {
		switch {
		case ok:
		case d.pos == len(d.buf):
			d.fail(ErrTruncated)
		default:
			d.fail(ErrSyntax)
		}
	}
	if c == '-' {
		d.pos++
	}
	if d.at(&begin) && d.buf[d.pos] == '0' {
		d.pos++
	} else {
		need(digits() > 0)
	}
	if d.at(&begin) && d.buf[d.pos] == '.' {
		d.pos++
		need(digits() > 0)
	}
	if d.at(&begin) && d.buf[d.pos]|0x20 == 'e' {
		d.pos++
		if d.at(&begin) && (d.buf[d.pos] == '+' || d.buf[d.pos] == '-') {
			d.pos++
		}
		need(digits() > 0)
	}
	if d.err != nil {
		return nil
	}
	return d.buf[begin:d.pos]
}

// at reports whether there is another byte, keeping what begins at begin.
func (d *Decoder) at(begin *int) bool { return d.pos < len(d.buf) || d.keep(begin) }

// keep is more for what must not be dropped.
func (d *Decoder) keep(begin *int) bool {
	if d.mark >= 0 { // it is 0: all is kept
		return d.more()
	}
	d.mark = *begin
	ok := d.more() // it may move the text and then find its end
	*begin, d.mark = d.mark, -1
	return ok
}

func (d *Decoder) float() float64 {
	f, err := strconv.ParseFloat(string(d.number()), 64)
	if err != nil && d.err == nil {
		d.fail(ErrType)
		d.err.Found = "number that is too large"
	}
	return f
}

// Int reads a number without a fraction, also one that is written with one: 3.0, or 3e0. null is 0.
func (d *Decoder) Int() int64 {
	if d.isNull() {
		return 0
	}
	text := string(d.number())
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && strings.ContainsAny(text, ".eE") {
		if f, wrong := strconv.ParseFloat(text, 64); wrong == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f)
		}
	}
	if err != nil && d.err == nil {
		d.fail(ErrType)
		d.err.Found = "number that is no integer of 64 bits"
	}
	return n
}
