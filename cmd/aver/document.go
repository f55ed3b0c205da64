package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	embedded "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/internal/overlay"
)

// A document is the contract that a command works with: the embedded one or that of a file, and what overlays make of it.
type document struct {
	spec     string
	overlays []string
}

func (d *document) flags(flags *pflag.FlagSet) {
	flags.StringVar(&d.spec, "spec", "", "another OpenAPI document (default: the embedded contract)")
	flags.StringArrayVar(&d.overlays, "overlay", nil, "an OpenAPI Overlay to apply to it; may be given several times, in this order")
}

// given reports whether it is another contract than the embedded one.
func (d *document) given() bool { return d.spec != "" || len(d.overlays) > 0 }

// embeddedName is what the embedded contract is called in an error.
const embeddedName = "the embedded contract"

// read returns the contract.
func (d *document) read() (*overlay.Document, error) {
	base := overlay.File{Name: embeddedName, Text: embedded.Spec}
	if d.spec != "" {
		var err error
		if base, err = readFile(d.spec); err != nil {
			return nil, err
		}
	}
	files := make([]overlay.File, len(d.overlays))
	for i, name := range d.overlays {
		var err error
		if files[i], err = readFile(name); err != nil {
			return nil, err
		}
	}
	return overlay.Apply(base, files...)
}

func readFile(name string) (overlay.File, error) {
	text, err := os.ReadFile(name)
	return overlay.File{Name: name, Text: text}, err
}

// from returns the flags that give the same contract to a command that is run in a folder.
func (d *document) from(folder string) (string, error) {
	flags := ""
	add := func(flag, name string) error {
		absolute, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, absolute)
		if err == nil {
			flags += fmt.Sprintf(" %s %s", flag, quoted(filepath.ToSlash(relative)))
		}
		return err
	}
	if d.spec != "" {
		if err := add("--spec", d.spec); err != nil {
			return "", err
		}
	}
	for _, name := range d.overlays {
		if err := add("--overlay", name); err != nil {
			return "", err
		}
	}
	return flags, nil
}

func newOverlayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "overlay",
		Short: "Work with OpenAPI Overlays",
	}
	var out string
	diff := &cobra.Command{
		Use:   "diff OLD.yaml NEW.yaml",
		Short: "Write the overlay that makes one document into another",
		Long: `Diff writes an OpenAPI Overlay (1.1) that makes the first document into the second, and applies it once to be sure.
An overlay of an application's own is made from a copy of the contract that it changed:

  aver overlay diff openapi.yaml mine.yaml --out mine.overlay.yaml`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := readFile(args[0])
			if err != nil {
				return err
			}
			to, err := readFile(args[1])
			if err != nil {
				return err
			}
			text, err := overlay.Diff(from, to)
			if errors.Is(err, overlay.ErrSame) {
				return fmt.Errorf("%s and %s do not differ", args[0], args[1])
			} else if err != nil {
				return err
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			return os.WriteFile(out, text, 0o644)
		},
	}
	diff.Flags().StringVar(&out, "out", "", "the file to write (default: standard output)")
	cmd.AddCommand(diff)
	return oneOf(cmd)
}
