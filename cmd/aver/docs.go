package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/internal/spec"
)

func newDocsCommand() *cobra.Command {
	var redoc, out string
	var spec document
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "Write the API reference as one HTML file",
		Long: `Docs writes an API reference that needs nothing but itself: the contract and Redoc (redoc.standalone.js of the npm
package redoc) in one HTML file. make docs fetches Redoc and calls it.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			document, err := spec.read()
			if err != nil {
				return err
			}
			script, err := os.ReadFile(redoc)
			if err != nil {
				return err
			}
			page, err := reference(document.Text, script)
			if err != nil {
				return document.Blame(err)
			}
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				return err
			}
			return os.WriteFile(out, page, 0o644)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&redoc, "redoc", "redoc.standalone.js", "the bundle of Redoc")
	spec.flags(flags)
	flags.StringVar(&out, "out", "docs.html", "the file to write")
	return cmd
}

var referencePage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; worker-src blob:; connect-src 'none'">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<style>body { margin: 0 }</style>
</head>
<body>
<div id="reference"></div>
<script>{{.Redoc}}</script>
<script>Redoc.init({{.Spec}}, {hideDownloadButton: true, expandResponses: "200", sortPropsAlphabetically: false},
	document.getElementById("reference"))</script>
</body>
</html>
`))

// reference returns the page for a contract.
func reference(document, redoc []byte) ([]byte, error) {
	contract, err := spec.Read(document)
	if err != nil {
		return nil, err
	}
	title, _ := spec.Member(spec.Member(contract.Tree, "info"), "title").(string)
	var tree any // as it is written
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("the contract: %w", err)
	}
	// The bundle asks a CDN for its maker's logo, and may contain what ends a script.
	redoc = bytes.ReplaceAll(redoc, []byte("https://cdn.redoc.ly/redoc/logo-mini.svg"), []byte("data:,"))
	redoc = bytes.ReplaceAll(redoc, []byte("</script"), []byte(`<\/script`))
	var page bytes.Buffer
	err = referencePage.Execute(&page, struct {
		Title string
		Redoc template.JS
		Spec  template.JS
	}{title, template.JS(redoc), template.JS(text)})
	return page.Bytes(), err
}
