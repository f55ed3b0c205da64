package aver_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fence is a piece of Go in a paper.
var fence = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// around is what the pieces that are no programs take for granted.
const around = `package snippet

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/explore"
	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

func _(t *testing.T, ctx context.Context, client *api.Client, results *api.CheckResults, r io.Reader, w io.Writer, err error,
	url, key, secret, id, checkID string, handle webhook.Handler, receiver *webhook.Receiver) {
	{
		%s
	}
}
`

// Every piece of Go in the papers compiles.
func TestSnippets(t *testing.T) {
	papers, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}",
		"./api", "./authprovider", "./contract", "./contract/explore", "./generated", "./sandbox", "./webhook", "testing")
	exports, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	compiled := make(map[string]string)
	for line := range strings.Lines(string(exports)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		compiled[path] = file
	}
	files := token.NewFileSet()
	from := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
	found := 0
	for _, paper := range append(papers, "README.md") {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatch(text, -1) {
			found++
			piece := string(m[1])
			if err := compile(files, from, piece); err != nil {
				t.Errorf("%s: %v, in:\n%s", paper, err, piece)
			}
		}
	}
	if found < 9 {
		t.Errorf("only %d pieces found", found)
	}
	for _, wrong := range []string{"client.NoSuchMethod(ctx)", "check, err := client.GetCheck(id)", "var n int = id"} {
		if compile(files, from, wrong) == nil {
			t.Errorf("%s compiles", wrong)
		}
	}
}

// compile type-checks a piece. What is not used is no error: it is but a piece.
func compile(files *token.FileSet, from types.Importer, piece string) error {
	piece = strings.ReplaceAll(piece, "…", "")
	switch {
	case strings.HasPrefix(piece, "package "):
	case strings.HasPrefix(piece, "func "):
		before, _, _ := strings.Cut(around, "func _(")
		piece = before + piece
	default:
		piece = fmt.Sprintf(around, piece)
	}
	parsed, err := parser.ParseFile(files, "snippet.go", piece, 0)
	if err != nil {
		return err
	}
	var wrong []error
	config := types.Config{Importer: from, Error: func(err error) {
		var of types.Error
		if errors.As(err, &of) && !of.Soft {
			wrong = append(wrong, err)
		}
	}}
	_, _ = config.Check("snippet", files, []*ast.File{parsed}, nil)
	return errors.Join(wrong...)
}
