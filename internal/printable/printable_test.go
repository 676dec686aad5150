package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

func TestAppend(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 漢":     "plain ü 漢",
		"date\u00a0-u":  "date\u00a0-u",
		"a\nb":          `a\x0ab`,
		`a\x0ab`:        `a\\x0ab`,
		"\x1b[2J\a\r":   `\x1b[2J\x07\x0d`,
		"\u009b31m":     `\xc2\x9b31m`,
		"\u202etxt.exe": `\xe2\x80\xaetxt.exe`,
		"a\u200bb":      `a\xe2\x80\x8bb`,
		"\xff":          `\xff`,
	} {
		got, width := printable.Append(nil, []byte(in))
		if string(got) != want || width != utf8.RuneCount(got) {
			t.Errorf("%q: got %q, %d characters; want %q", in, got, width, want)
		}
	}
}

func TestText(t *testing.T) {
	if got := printable.Text("one\n\ttwo \\ three"); got != "one\n\ttwo \\ three" {
		t.Errorf("harmless text became %q", got)
	}
	var b strings.Builder
	if n, err := printable.NewWriter(&b).Write([]byte("\x1b]0;title\a\n")); n != 11 || err != nil ||
		b.String() != "\\x1b]0;title\\x07\n" {
		t.Errorf("got %d, %v, %q", n, err, b.String())
	}
}

func TestJSON(t *testing.T) {
	in, want := "{\n  \"a\": \"\u009b31m\u202e\U000e0001 ü\"\n}", "{\n  \"a\": \"\\u009b31m\\u202e\\udb40\\udc01 ü\"\n}"
	if got := string(printable.JSON([]byte(in))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := printable.Line("a\tb\n\x1b"); got != `a\tb\n\x1b` {
		t.Errorf("got %q", got)
	}
}

// TestEveryRune shows no character of any class that a terminal acts on.
func TestEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := printable.Text(string(r))
		harmless := r == '\n' || r == '\t' || unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r)
		if !harmless && strings.ContainsRune(got, r) {
			t.Fatalf("%U is shown as it is", r)
		}
	}
}
