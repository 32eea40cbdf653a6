package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The pages are made of runs that are committed, so they can be made again and
// compared. Plots are only looked for: their last digits may differ between
// processors.
func TestPagesAreNotStale(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, showDirectory), 0o755); err != nil {
		t.Fatal(err)
	}
	files := []string{standardFile, largeFile}
	for name := range shown {
		files = append(files, name)
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePages(root); err != nil {
		t.Fatal(err)
	}
	for name := range shown {
		was, _ := os.ReadFile(filepath.Join("..", name))
		is, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(was) != string(is) {
			t.Errorf("%s is stale: go run ./bench page", name)
		}
	}
	for _, plot := range plots {
		for _, dir := range []string{"..", root} {
			if _, err := os.Stat(filepath.Join(dir, showDirectory, plot.file)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRewriteWantsItsLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	for _, text := range []string{"", string(begin), string(end), string(end) + string(begin)} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := rewrite(file, nil); err == nil {
			t.Errorf("a page of %q was rewritten", text)
		}
	}
}
