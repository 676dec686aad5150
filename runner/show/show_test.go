package show_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

func TestHumanSizes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1.0KiB", 1536: "1.5KiB", 1 << 20: "1.0MiB",
		5 << 40: "5.0TiB",
	} {
		if got := show.Size(n); got != want {
			t.Errorf("show.Size(%d) = %q, want %q", n, got, want)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"1970-01-01T00:00:00Z": "-", "": "-", "junk": "-", "2026-11-21T11:59:30Z": "just now",
		"2026-11-21T11:58:00Z": "2 minutes ago",
		"2026-11-20T12:00:00Z": "1 day ago", "2024-11-20T12:00:00Z": "2 years ago",
	} {
		if got := show.Ago(text, now); got != want {
			t.Errorf("show.Ago(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPrintableHidesControlCharacters(t *testing.T) {
	if got := show.Printable("a\x1b[2Jb\nc\u009bd"); strings.ContainsAny(got, "\x1b\n\u009b") ||
		!strings.Contains(got, "[2Jb") {
		t.Errorf("printable = %q", got)
	}
}

// TestYAMLOfEveryRune shows names and values of every class of characters: nothing
// comes out that a terminal acts on, and the text still shows the input.
func TestYAMLOfEveryRune(t *testing.T) {
	const block = 64
	in := map[string]string{}
	for r := rune(0); r <= unicode.MaxRune; r += block {
		if r == 0x20000 { // from here on there are ideographs, and nothing else before the tags
			r = 0xe0000
		}
		if r == 0xe0200 {
			r = unicode.MaxRune + 1 - block
		}
		var text strings.Builder
		for c := r; c < r+block; c++ {
			if utf8.ValidRune(c) {
				text.WriteRune(c)
			}
		}
		in[text.String()] = "a " + text.String()
	}
	var out bytes.Buffer
	if err := show.Data(&out, show.YAML, in); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); printable.Text(got) != got {
		t.Error("the text has characters that are not printable")
	}
	var back map[string]string
	if err := yaml.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, back); diff != "" {
		t.Errorf("read back (-want +got):\n%.2000s", diff)
	}
}
