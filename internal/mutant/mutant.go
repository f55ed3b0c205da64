// Package mutant puts bugs into copies of this module's code, to see whether its checks find them. It is for tests.
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An Edit changes a piece of a file.
type Edit struct{ File, Old, New string }

// Overlay writes the files with the edits into a folder, and returns the file that go build -overlay wants. root is the module's folder.
func Overlay(root, folder string, edits []Edit) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	changed := make(map[string]string)
	replaced := make(map[string]string)
	for _, e := range edits {
		file := filepath.Join(root, e.File)
		if changed[file] == "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			changed[file] = string(text)
		}
		if !strings.Contains(changed[file], e.Old) {
			return "", fmt.Errorf("%s does not hold %q", e.File, e.Old)
		}
		changed[file] = strings.Replace(changed[file], e.Old, e.New, 1)
		replaced[file] = filepath.Join(folder, strings.ReplaceAll(e.File, "/", "_"))
		if err := os.WriteFile(replaced[file], []byte(changed[file]), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o600)
}
