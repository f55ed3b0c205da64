package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/goaver/aver-go/screening"
)

// A list is a file of rows.
type list struct {
	name string // what it is called in the database
	open func() (iter.Seq2[screening.Row, error], func() error, error)
}

func (r *runner) list(ctx context.Context, file string) (list, error) {
	if file == "-" {
		return r.piped(ctx)
	}
	read := map[string]func(io.Reader) iter.Seq2[screening.Row, error]{
		".csv":   func(in io.Reader) iter.Seq2[screening.Row, error] { return screening.CSV(in, r.kind, r.named) },
		".jsonl": screening.JSONL,
	}[strings.ToLower(filepath.Ext(file))]
	switch {
	case read == nil:
		return list{}, usage("%s: want a .csv or a .jsonl file", file)
	case len(r.named) > 0 && !strings.EqualFold(filepath.Ext(file), ".csv"):
		return list{}, usage("--map is for columns of CSV; the properties of JSON have the names of the fields")
	}
	return list{cmp.Or(r.store.list, nameOf(file)), func() (iter.Seq2[screening.Row, error], func() error, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, nil, &exitError{err, exitUsage}
		}
		return read(f), f.Close, nil
	}}, nil
}

// piped is what comes from standard input: JSON when it begins with a brace, otherwise CSV.
func (r *runner) piped(ctx context.Context) (list, error) {
	if r.database == "" && !r.validate {
		return list{}, usage("what comes from standard input needs --database")
	}
	in := bufio.NewReader(&patient{ctx: ctx, from: r.in})
	rows := func(yield func(screening.Row, error) bool) {
		read := screening.CSV(in, r.kind, r.named)
		if first, _ := in.Peek(1); string(first) == "{" {
			read = screening.JSONL(in)
		}
		read(yield)
	}
	return list{cmp.Or(r.store.list, "stdin"), func() (iter.Seq2[screening.Row, error], func() error, error) {
		return rows, func() error { return nil }, nil
	}}, nil
}

// A patient reader reads what somebody may have yet to type, and stops when ctx ends.
type patient struct {
	ctx  context.Context
	from io.Reader
	text [64 << 10]byte
}

func (p *patient) Read(into []byte) (n int, err error) {
	into = into[:min(len(into), len(p.text))]
	read := make(chan struct{})
	go func() {
		defer close(read)
		n, err = p.from.Read(p.text[:len(into)])
	}()
	select {
	case <-read:
		return copy(into, p.text[:n]), err
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}

// nameOf returns the name of a list: that of its file, without folder and extension.
func nameOf(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
