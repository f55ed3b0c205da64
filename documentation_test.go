package aver_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goaver/aver-go/internal/spec"
)

// parsed returns what go doc shows of a package.
func parsed(t *testing.T, folder string) *doc.Package {
	t.Helper()
	files := token.NewFileSet()
	var syntax []*ast.File
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			f, err := parser.ParseFile(files, folder+"/"+e.Name(), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			syntax = append(syntax, f)
		}
	}
	p, err := doc.NewFromFiles(files, syntax, "github.com/goaver/aver-go/"+folder)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Who reads about a type in package api sees what it is made of, although it is an alias.
func TestAliasesShowWhatTheyAre(t *testing.T) {
	made := make(map[string]ast.Expr)
	enumerated := make(map[string]bool)
	for _, d := range parsed(t, "generated").Types {
		made[d.Name] = d.Decl.Specs[0].(*ast.TypeSpec).Type
		enumerated[d.Name] = len(d.Consts) > 0
	}
	for _, d := range parsed(t, "api").Types {
		of, ok := made[d.Name]
		if alias, is := d.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.SelectorExpr); !is || alias.X.(*ast.Ident).Name != "generated" || !ok {
			continue
		}
		switch of := of.(type) {
		case *ast.StructType:
			if !strings.Contains(d.Doc, "\ttype "+d.Name+" struct {\n") {
				t.Errorf("api.%s does not show its fields", d.Name)
			}
			for _, f := range of.Fields.List {
				for _, name := range f.Names {
					if name.IsExported() && !regexp.MustCompile(`(?m)^\t\t`+name.Name+" [^`]*$").MatchString(d.Doc) {
						t.Errorf("api.%s does not show its field %s, or shows its tag", d.Name, name)
					}
				}
			}
		case *ast.ArrayType, *ast.MapType:
			if !strings.Contains(d.Doc, "\ttype "+d.Name+" ") {
				t.Errorf("api.%s does not show what it holds", d.Name)
			}
		default:
			if enumerated[d.Name] && len(d.Consts) == 0 {
				t.Errorf("api.%s does not show its values", d.Name)
			}
		}
	}
}

// Comments of package api speak of fields by their names in Go, and of nil rather than null.
func TestDocumentationSpeaksGo(t *testing.T) {
	wire := map[string]bool{"null": true}
	camel := regexp.MustCompile(`^[a-z]+[A-Z]`)
	for _, schema := range spec.Object(spec.Member(spec.Member(spec.Embedded().Tree, "components"), "schemas")) {
		for name := range spec.Object(spec.Member(schema, "properties")) {
			wire[name] = wire[name] || camel.MatchString(name)
		}
	}
	if len(wire) < 50 {
		t.Fatalf("only %d names found", len(wire))
	}
	text, err := os.ReadFile("api/operations.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		_, said, ok := strings.Cut(line, "//")
		if !ok || strings.TrimSpace(line[:len(line)-len(said)-2]) != "" {
			continue
		}
		for _, word := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(said, -1) {
			if wire[word] {
				t.Errorf("api/operations.gen.go:%d speaks of %s", i+1, word)
			}
		}
	}
}
