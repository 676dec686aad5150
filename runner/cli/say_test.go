package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestMessage(t *testing.T) {
	var out bytes.Buffer
	long := strings.Repeat("word ", 40) + "\x1b"
	Message(&out, long)
	if got := out.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("got %q, want one escaped line", got)
	}
}

func TestFold(t *testing.T) {
	const digest = "gadgets/trace_open@sha256:0123456789abcdef"
	for _, tc := range []struct{ name, in, want string }{
		{"fits", "one two", "one two"},
		{"between words", "one two three four five", "one two three four\nfive"},
		{"keeps spaces", "  one  two three four five", "  one  two three\nfour five"},
		{"a long word", "pulled " + digest + " now", "pulled " + digest + " now"},
		{"after a long word", "pulled " + digest + " and then more", "pulled " + digest + " and then\nmore"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := fold(tc.in, 20); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if got := fold(tc.in, 0); got != tc.in {
				t.Errorf("without a width: got %q", got)
			}
		})
	}
}
