// Package wire holds the value types of the Aver API that a generator cannot write: values that the service is known
// to send in more than one form.
//
// They share one rule: decoding keeps what was sent and never fails because of its form; a method interprets it.
//
//	date := wire.NewDate(1988, time.April, 17) // "04/17/1988"
//	t, err := search.SearchDate.Time()         // both "10/4/2019 5:26:11 PM" and RFC 3339
//	score, ok := analysis.FraudScore.Float64() // both 62 and "62"
//
// Applications reach the types through package api, which re-exports them. The packages below are what generated code and
// package api work with: they change with the generator, and promise nothing to others.
package wire
