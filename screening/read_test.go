package screening_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/goaver/aver-go/screening"
)

func all(rows iter.Seq2[screening.Row, error]) (found []screening.Row, failure error) {
	for row, err := range rows {
		if err != nil {
			return found, err
		}
		found = append(found, row)
	}
	return found, nil
}

func TestCSV(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	for text, want := range map[string]string{
		"firstName,lastName\nAna,Sol\n": "2 Ana Sol",
		mark + "Private;x\n": "error a search needs the columns firstName and lastName, or businessName; the first line has to name them, and " +
			"of its 1 names it knows []; want commas between them",
		"Private,lastName\n": "error a search needs the columns firstName and lastName, or businessName; the first line has to name them, and " +
			`of its 2 names it knows ["lastName"]`,
		mark + "First Name,LAST_NAME,middle-name\r\nAna,\" Sol, Jr. \",B\r\n": "2 Ana Sol, Jr.",
		"businessName,unknown\n\"Sol\n& Co\",x\nB,y":                          "2  ,4  ",
		"lastName,firstName\nSol,Ana\n\nLuz,Eva\n":                            "2 Ana Sol,4 Eva Luz",
		"":                                       "error the names of the columns cannot be read",
		"firstName,lastName\nprivate\n":          "error line 2 is not valid CSV: wrong number of fields",
		"firstName,lastName\n\"private,x\n":      "error line 2 is not valid CSV",
		"firstName,first name,lastName\na,b,c\n": "error columns 1 and 2 are both firstName",
		"first,lastName\na,b\n":                  "error a search needs the columns",
		"surname,given,id\nSol,Ana,7\n":          "2 Ana Sol",
		"firstName,lastName\nA\xffna,李\u0301\n":  "2 A\xffna 李\u0301",
	} {
		named := map[string]string(nil)
		if strings.HasPrefix(text, "surname") {
			named = map[string]string{"Surname": "lastName", "given": "first name"}
		}
		rows, err := all(screening.CSV(strings.NewReader(text), screening.Search, named))
		check(t, text, rows, err, want)
	}
	for column, want := range map[string]string{"none": "there is no column \"none\"", "given": "there is no field \"nothing\""} {
		field := map[string]string{"none": "firstName", "given": "nothing"}[column]
		_, err := all(screening.CSV(strings.NewReader("given,lastName\na,b\n"), screening.Search, map[string]string{column: field}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", column, err)
		}
	}
}

func TestJSONL(t *testing.T) {
	for text, want := range map[string]string{
		"{\"firstName\":\"Ana\",\"lastName\":\"Sol\",\"other\":[1]}\n\n{\"businessName\":\"B\"}": "1 Ana Sol,3  ",
		"":                                    "",
		"{\"firstName\":\"Ana\"}\n{private\n": "error line 2 is not a JSON object",
		"{\"firstName\":7}\n":                 "error line 1 has a number for firstName",
		"[]\n":                                "error line 1 has a array",
		strings.Repeat("a", 2<<20):            "error line 1",
	} {
		rows, err := all(screening.JSONL(strings.NewReader(text)))
		check(t, text, rows, err, want)
	}
}

func check(t *testing.T, text string, rows []screening.Row, err error, want string) {
	t.Helper()
	var found []string
	for _, r := range rows {
		found = append(found, fmt.Sprintf("%d %s %s", r.Number, r.FirstName, r.LastName))
	}
	got := strings.Join(found, ",")
	if message, ok := strings.CutPrefix(want, "error "); ok {
		if err == nil || !strings.Contains(err.Error(), message) || strings.Contains(strings.ToLower(err.Error()), "private") {
			t.Errorf("%.60q: %q, %v, want %s", text, got, err, message)
		}
		return
	}
	if err != nil || got != want {
		t.Errorf("%.60q: %q, %v, want %q", text, got, err, want)
	}
}
