package firstgadget

import (
	"regexp"
	"strings"
	"testing"
)

// block is one code block of a page.
type block struct {
	section  string // the heading above it
	language string
	file     string // which the text before it names, "" for none
	body     string
}

var fileName = regexp.MustCompile("`([\\w./]+)`:$")

// blocks returns the code blocks of a Markdown page.
func blocks(page string) []block {
	var out []block
	var section, before string
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = heading
		}
		language, ok := strings.CutPrefix(line, "```")
		if !ok {
			if line != "" {
				before = line
			}
			continue
		}
		b := block{section: section, language: language}
		if m := fileName.FindStringSubmatch(before); m != nil {
			b.file = m[1]
		}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			b.body += lines[i] + "\n"
		}
		out, before = append(out, b), ""
	}
	return out
}

func TestBlocks(t *testing.T) {
	got := blocks("# Page\n\n## One\n\nText.\n`a/b.yaml`:\n\n```yaml\nx: 1\n\ny: 2\n```\n\n```sh\nrun\n```\n\n## " +
		"Two\n\n```sh\nmore\n```\n")
	want := []block{
		{"One", "yaml", "a/b.yaml", "x: 1\n\ny: 2\n"},
		{"One", "sh", "", "run\n"},
		{"Two", "sh", "", "more\n"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d blocks, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("block %d is %q, want %q", i, got[i], want[i])
		}
	}
}
