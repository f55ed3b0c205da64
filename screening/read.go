package screening

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
)

// columns are the fields of a row, by the names that columns may have: letter case, spaces, dashes and underscores do not matter.
var columns = map[string]func(*Row) *string{
	"id":              func(r *Row) *string { return &r.ID },
	"firstName":       func(r *Row) *string { return &r.FirstName },
	"middleName":      func(r *Row) *string { return &r.MiddleName },
	"lastName":        func(r *Row) *string { return &r.LastName },
	"businessName":    func(r *Row) *string { return &r.BusinessName },
	"country":         func(r *Row) *string { return &r.Country },
	"stateOrProvince": func(r *Row) *string { return &r.StateOrProvince },
	"checkId":         func(r *Row) *string { return &r.CheckID },
	"email":           func(r *Row) *string { return &r.Email },
	"language":        func(r *Row) *string { return (*string)(&r.Language) },
}

// Columns returns the names of the columns that [CSV] knows.
func Columns() []string { return slices.Sorted(maps.Keys(columns)) }

func plain(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.TrimSpace(name)))
}

// CSV reads rows from a CSV text (RFC 4180) whose first line names the columns. named gives the columns that have other names: field
// by column, as in {"surname": "lastName"}. Columns that are no field are left out. The number of a row is that of the line that it
// begins on.
//
// A text that is not CSV, or lacks the columns that its kind needs, is an error, and nothing follows it.
func CSV(r io.Reader, kind Kind, named map[string]string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if r == nil {
			yield(Row{}, errors.New("screening: the reader is nil"))
			return
		}
		in := csv.NewReader(withoutMark(r))
		in.ReuseRecord = true
		header, err := in.Read()
		if err != nil {
			yield(Row{}, fmt.Errorf("screening: the names of the columns cannot be read: %w", csvError(err)))
			return
		}
		fields, err := fieldsOf(header, kind, named)
		if err != nil {
			yield(Row{}, fmt.Errorf("screening: %w", err))
			return
		}
		for {
			record, err := in.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("screening: %w", csvError(err)))
				return
			}
			line, _ := in.FieldPos(0)
			row := Row{Number: int64(line)}
			for i, field := range fields {
				if field != nil {
					*field(&row) = strings.Clone(strings.TrimSpace(record[i]))
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// fieldsOf returns the field of each column. What stands in the first line is not repeated: it may be a person.
func fieldsOf(header []string, kind Kind, named map[string]string) ([]func(*Row) *string, error) {
	known := make(map[string]string, len(columns)) // the field of a name as plain makes it
	for name := range columns {
		known[plain(name)] = name
	}
	given := make(map[string]string)
	for column, field := range named {
		if known[plain(field)] == "" {
			return nil, fmt.Errorf("there is no field %q for the column %q; there are %s", field, column, strings.Join(Columns(), ", "))
		}
		given[plain(column)] = known[plain(field)]
	}
	maps.Copy(known, given)
	fields := make([]func(*Row) *string, len(header))
	found := make(map[string]int)
	for i, name := range header {
		field := known[plain(name)]
		delete(given, plain(name))
		if field == "" {
			continue
		}
		if other, twice := found[field]; twice {
			return nil, fmt.Errorf("columns %d and %d are both %s", other, i+1, field)
		}
		found[field], fields[i] = i+1, columns[field]
	}
	for column := range given {
		return nil, fmt.Errorf("there is no column %q", column)
	}
	wanted := map[Kind]string{Search: "a search needs the columns firstName and lastName, or businessName", Check: "a check needs the column email"}
	if kind == Check && found["email"] == 0 || kind == Search && found["businessName"] == 0 && (found["firstName"] == 0 || found["lastName"] == 0) {
		hint := ""
		if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
			hint = "; want commas between them"
		}
		return nil, fmt.Errorf("%s; the first line has to name them, and of its %d names it knows %q%s",
			wanted[kind], len(header), slices.Sorted(maps.Keys(found)), hint)
	}
	return fields, nil
}

// csvError says where a text is not CSV, without what is there.
func csvError(err error) error {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return fmt.Errorf("line %d is not valid CSV: %w", wrong.Line, wrong.Err)
	}
	return err
}

// withoutMark skips the byte order mark that spreadsheets write.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return b
}

// maxLine is how long a line of [JSONL] may be, in bytes.
const maxLine = 1 << 20

// JSONL reads rows from lines of JSON objects with the fields of a [Row] (firstName, lastName, …). Other properties are left out, and so
// are empty lines. The number of a row is that of its line.
func JSONL(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if r == nil {
			yield(Row{}, errors.New("screening: the reader is nil"))
			return
		}
		lines := bufio.NewScanner(withoutMark(r))
		lines.Buffer(nil, maxLine)
		number := int64(0)
		for lines.Scan() {
			number++
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			row := Row{Number: number}
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				var wrong *json.UnmarshalTypeError
				if errors.As(err, &wrong) {
					yield(Row{}, fmt.Errorf("screening: line %d has a %s for %s", number, wrong.Value, wrong.Field))
					return
				}
				yield(Row{}, fmt.Errorf("screening: line %d is not a JSON object", number))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Row{}, fmt.Errorf("screening: line %d: %w", number+1, err))
		}
	}
}
