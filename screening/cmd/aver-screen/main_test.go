package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/sandbox"
)

// aver runs the command in a folder and returns what it printed, and its exit status.
func aver(t *testing.T, ctx context.Context, args ...string) (out, errs string, exit int) {
	t.Helper()
	return averWith(t, ctx, "", args...)
}

// averWith runs the command with something on standard input.
func averWith(t *testing.T, ctx context.Context, in string, args ...string) (out, errs string, exit int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := newCommand()
	c.SetArgs(args)
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	c.SetIn(strings.NewReader(in))
	if err := c.ExecuteContext(ctx); err != nil {
		stderr.WriteString(err.Error())
		exit = statusOf(err)
	}
	return stdout.String(), stderr.String(), exit
}

func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{"AVER_API_KEY", "AVER_API_SECRET", "AVER_GROUP_ID", "AVER_BASE_URL", "AVER_SCREENING_KEY"} {
		t.Setenv(name, "")
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunAndResults(t *testing.T) {
	inFolder(t, nil)
	people, _, _ := aver(t, t.Context(), "made-up", "100")
	if err := os.WriteFile("people.csv", []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "100 rows: 100 done; 4 with hits\n"
	for _, step := range [][]string{{"run", "people.csv", "--sandbox"}, {"run", "people.csv", "--sandbox"}, {"status", "people.sandbox.db"}} {
		if out, errs, exit := aver(t, t.Context(), step...); out != want || exit != 0 {
			t.Errorf("%v: %d, %s%s", step, exit, out, errs)
		}
	}
	if out, _, _ := aver(t, t.Context(), "status", "people.sandbox.db", "--json"); out != `{"hits":4,"left":0,"rows":{"done":100},"total":100}`+"\n" {
		t.Error(out)
	}
	out, _, exit := aver(t, t.Context(), "results", "people.sandbox.db")
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || exit != 0 || len(records) != 101 {
		t.Fatalf("%d, %d records, %v", exit, len(records), err)
	}
	if got := strings.Join(records[1][:5], "|"); got != "2|customer-1|Ana Sol-1+hits-1|done|1" || records[1][6] == "" || records[1][8] == "" {
		t.Errorf("%q", records[1])
	}
	out, _, exit = aver(t, t.Context(), "results", "people.sandbox.db", "--format", "jsonl")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first struct {
		Number  int
		Row     struct{ FirstName, ID string }
		State   string
		Results struct{ WatchlistResults []any }
	}
	err = json.Unmarshal([]byte(lines[0]), &first)
	if err != nil || exit != 0 || len(lines) != 100 || first.Number != 2 || first.Row.FirstName != "Ana" ||
		first.Row.ID != "customer-1" || first.State != "done" || len(first.Results.WatchlistResults) != 1 {
		t.Errorf("%d, %d lines, %+v, %v", exit, len(lines), first, err)
	}
	if runtime.GOOS != "windows" {
		if _, errs, exit := aver(t, t.Context(), "results", "people.sandbox.db", "--format", "html", "-o", "people.html"); exit != 0 {
			t.Error(errs)
		}
		for _, name := range []string{"people.sandbox.db", "people.sandbox.db.lock", "people.html"} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others may read %s: %v, %v", name, info.Mode(), err)
			}
		}
	}
}

func TestWhatIsWrongIsSaidBeforeAnythingIsSent(t *testing.T) {
	inFolder(t, map[string]string{
		"good.csv": "firstName,lastName\nAna,Sol\n", "bad.csv": "firstName,lastName\nAna,Sol\nPrivate,\n", "no.csv": "a,b\n1,2\n",
		"people.txt": "", "key": "short",
		"broken.jsonl": "{\"firstName\":\"A\",\"lastName\":\"B\"}\n{private\n", "renamed.csv": "given,surname\nAna,Sol\n",
	})
	for command, want := range map[string]string{
		"run good.csv":                          "2 AVER_API_KEY is not set; set it, or try --sandbox",
		"run missing.csv --sandbox":             "2 no such file",
		"run people.txt --sandbox":              "2 want a .csv or a .jsonl file",
		"run no.csv --sandbox":                  "2 a search needs the columns firstName and lastName",
		"run bad.csv --validate":                "2 1 of 2 rows break the contract",
		"run good.csv --validate":               "0 1 rows, all of them can be sent",
		"run broken.jsonl --sandbox":            "2 line 2 is not a JSON object",
		"run good.csv --sandbox --rate -1":      "2 --rate -1: want more than 0",
		"run good.csv --sandbox --wrong":        "2 unknown flag",
		"run good.csv --sandbox --encrypt":      "2 --encrypt needs a key",
		"run good.csv --sandbox --key-file key": "2 key holds no key; want 64 hexadecimal digits",
		"run renamed.csv --validate":            "2 a search needs the columns",
		"run renamed.csv --validate --map given=firstName --map surname=lastName": "0 1 rows",
		"run renamed.csv --validate --map given=first":                            "2 there is no field \"first\"",
		"run good.csv --check --validate":                                         "2 a check needs the column email",
		"run good.csv --check --sandbox":                                          "2 start one that stays (aver sandbox)",
		"run good.csv --sandbox --concurrency 0":                                  "2 --concurrency 0: want 1 to 4096",
		"run":                                                                     "2 accepts 1 arg", "walk": "2 unknown command",
		"run broken.jsonl --map a=lastName":  "2 --map is for columns of CSV",
		"run good.csv --check --search":      "2 --search and --check exclude each other",
		"run good.csv --search=false":        "2 want --search or --check",
		"run good.csv --check --recheck 24h": "2 a check is created once",
		"run good.csv --recheck -1h":         "2 want a time, such as 24h",
		"run good.csv --sandbox --poll 0s":   "2 --poll 0s: want a time",
		"status missing.db":                  "2 no such file",
		"results good.csv --format xml":      "2 want csv, jsonl or html",
		"mark missing.db 1 waiting":          "2 no such file",
		"mark good.csv one waiting":          "2 is no number of a row",
		"made-up none":                       "2 is no number of people",
	} {
		out, errs, exit := aver(t, t.Context(), strings.Fields(command)...)
		status, text, _ := strings.Cut(want, " ")
		if status != string(rune('0'+exit)) || !strings.Contains(out+errs, text) {
			t.Errorf("%s: %d, %s%s", command, exit, out, errs)
		}
		if strings.Contains(out+errs, "rivate") {
			t.Errorf("%s prints what is personal: %s%s", command, out, errs)
		}
	}
}

func TestServiceIsAskedForOnlyWithAYes(t *testing.T) {
	inFolder(t, map[string]string{"people.csv": "firstName,lastName\nAna,Sol\nPrivate,\n"})
	sb := sandbox.Start(t)
	t.Setenv("AVER_API_KEY", sb.Key)
	t.Setenv("AVER_API_SECRET", sb.Secret)
	t.Setenv("AVER_GROUP_ID", sb.GroupID)
	t.Setenv("AVER_BASE_URL", sb.URL)
	if out, errs, exit := aver(t, t.Context(), "run", "people.csv"); exit != 2 || !strings.Contains(errs, "1 searches, 0 done before, 1 refused") ||
		!strings.Contains(errs, "confirm with --yes") || !strings.Contains(errs, "row 3 is not sent: lastName") {
		t.Errorf("%d: %s%s", exit, out, errs)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, errs, exit := aver(t, ctx, "run", "people.csv", "--yes"); exit != 4 {
		t.Errorf("with a caller that has left: %s", errs)
	}
	if out, errs, exit := aver(t, t.Context(), "run", "people.csv", "--yes", "--json"); exit != 3 ||
		!strings.Contains(out, `"rows":{"done":1,"refused":1}`) {
		t.Errorf("%d: %s%s", exit, out, errs)
	}
	if entries, _ := filepath.Glob("*"); len(entries) == 0 {
		t.Error("nothing is there")
	}
}

func TestKeyFile(t *testing.T) {
	inFolder(t, map[string]string{"people.csv": "firstName,lastName\nAna,Solomonica\n", "key": strings.Repeat("0a", 32) + "\n"})
	if out, errs, exit := aver(t, t.Context(), "run", "people.csv", "--sandbox", "--key-file", "key"); exit != 0 {
		t.Fatalf("%d: %s%s", exit, out, errs)
	}
	for _, name := range []string{"people.sandbox.db", "people.sandbox.db-wal"} {
		content, _ := os.ReadFile(name)
		if bytes.Contains(content, []byte("Solomonica")) {
			t.Errorf("%s holds the name", name)
		}
	}
	if out, _, exit := aver(t, t.Context(), "results", "people.sandbox.db", "--key-file", "key"); exit != 0 ||
		!strings.Contains(out, "Ana Solomonica") {
		t.Errorf("%d: %s", exit, out)
	}
	out, errs, exit := aver(t, t.Context(), "results", "people.sandbox.db")
	if exit != 1 || !strings.Contains(errs, "give its key") || strings.Contains(out, "Ana") {
		t.Errorf("%d: %s%s", exit, out, errs)
	}
}

func TestMarkAndPurge(t *testing.T) {
	inFolder(t, map[string]string{"a.csv": "id,firstName,lastName\n7,Ana,Sol\n8,Eva,Luz\n", "b.csv": "firstName,lastName\nBo,Lind\n"})
	for _, step := range []struct{ command, want string }{
		{"run a.csv --sandbox --database all.db", "0 2 rows: 2 done"},
		{"run b.csv --sandbox --database all.db", "0 1 rows: 1 done"},
		{"status all.db", `2 all.db holds the lists ["a" "b"]; choose one with --list`},
		{"status all.db --list b", "0 1 rows: 1 done"},
		{"mark all.db 2 waiting --list a", "2 row 2 of a is neither unknown nor refused"},
		{"mark all.db 1 done --list a", `2 a row cannot be marked "done"`},
		{"purge all.db --list a", "2 say whom to forget"},
		{"purge all.db --list a --id 7 --all", "2 say whom to forget"},
		{"purge all.db --list a --id 7", "0 1 rows are forgotten"},
		{"purge all.db --list a --id 7", "2 no row of a has this id"},
		{"results all.db --list a", "0 3,8,Eva Luz,done"},
		{"purge all.db --list a --all", "0 1 rows are forgotten"},
		{"status all.db --list a", "0 no rows"},
		{"status all.db --list c", "2 holds no list \"c\""},
		{"work --database all.db", "2 --database wants the address of a PostgreSQL"},
		{"status a.csv", "2 a.csv is no database of aver-screen"},
	} {
		out, errs, exit := aver(t, t.Context(), strings.Fields(step.command)...)
		status, text, _ := strings.Cut(step.want, " ")
		if status != string(rune('0'+exit)) || !strings.Contains(out+errs, text) || strings.Contains(out, "Ana") {
			t.Errorf("%s: %d, %s%s", step.command, exit, out, errs)
		}
	}
}

func TestPage(t *testing.T) {
	inFolder(t, map[string]string{"people.csv": "id,firstName,lastName\n<b>,<script>alert(1)</script>,Sol+hits-2\n8,Eva,Luz\n9,Eva,\n"})
	if _, errs, exit := aver(t, t.Context(), "run", "people.csv", "--sandbox"); exit != 3 {
		t.Fatal(errs)
	}
	out, _, exit := aver(t, t.Context(), "results", "people.sandbox.db", "--format", "html")
	if exit != 0 {
		t.Fatal(exit)
	}
	for _, piece := range []string{"Screening of people", "&lt;script&gt;alert(1)", "&lt;b&gt;", "<dt>with hits</dt><dd>1</dd>", "refused: lastName",
		"default-src 'none'"} {
		if !strings.Contains(out, piece) {
			t.Errorf("the page lacks %q:\n%s", piece, out)
		}
	}
	if strings.Contains(out, "<script>alert") || strings.Contains(out, "Luz") || strings.Contains(out, "src=\"http") {
		t.Errorf("the page holds what it should not:\n%s", out)
	}
}

func TestStandardInput(t *testing.T) {
	inFolder(t, nil)
	for in, want := range map[string]string{
		"firstName,lastName\nAna,Sol\n": "0 1 rows: 1 done", `{"firstName":"Ana","lastName":"Sol"}`: "0 1 rows: 1 done",
		"": "2 the names of the columns cannot be read",
	} {
		out, errs, exit := averWith(t, t.Context(), in, "run", "-", "--sandbox", "--database", "all.db", "--list", fmt.Sprint(len(in)))
		if status, text, _ := strings.Cut(want, " "); status != fmt.Sprint(exit) || !strings.Contains(out+errs, text) {
			t.Errorf("%q: %d, %s%s", in, exit, out, errs)
		}
	}
	never, _ := io.Pipe()
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	c := newCommand()
	c.SetArgs([]string{"run", "-", "--sandbox", "--database", "none.db"})
	c.SetIn(never)
	if err := c.ExecuteContext(ctx); statusOf(err) != 4 {
		t.Errorf("interrupted while nothing comes: %v", err)
	}
	if _, err := os.Stat("none.db"); err == nil {
		t.Error("a database was made for nothing")
	}
	_, errs, exit := averWith(t, t.Context(), "firstName,lastName\n", "run", "-", "--sandbox")
	if exit != 2 || !strings.Contains(errs, "needs --database") {
		t.Errorf("%d, %s", exit, errs)
	}
}

func TestRateAndTimeLeft(t *testing.T) {
	for want, got := range map[string]string{
		"; 200 a second, 1m40s left": inTime(400, 20_000, 2*time.Second), "": inTime(0, 20_000, time.Second),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Whoever looks at a list that another process works on sees how fast it goes.
func TestStatusOfAListAtWork(t *testing.T) {
	inFolder(t, nil)
	people, _, _ := aver(t, t.Context(), "made-up", "2000")
	if err := os.WriteFile("people.csv", []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		_, _, exit := aver(t, ctx, "run", "people.csv", "--sandbox", "--rate", "50")
		ended <- exit
	}()
	for seen := ""; !strings.Contains(seen, " a second, "); {
		seen, _, _ = aver(t, t.Context(), "status", "people.sandbox.db")
		if len(ended) > 0 {
			t.Fatalf("it has ended: %s", seen)
		}
	}
	leave()
	if exit := <-ended; exit != 4 {
		t.Error(exit)
	}
}
