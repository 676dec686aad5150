package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestReportIsBounded(t *testing.T) {
	for name, text := range map[string]string{"ASCII": "x", "not ASCII": "äö€", "unprintable": "\x1b"} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := report(errors.New(strings.Repeat(text, 1<<18)), &out); code != cli.ExitFailed {
				t.Errorf("exit code %d", code)
			}
			got := out.String()
			if len(got) > maxReport+100 || !utf8.ValidString(got) || !strings.HasPrefix(got, "gadget-run: ") ||
				!strings.HasSuffix(got, " bytes more\n") {
				t.Errorf("%d bytes, which end in %q", len(got), got[len(got)-40:])
			}
		})
	}
	var out bytes.Buffer
	report(errors.New("short"), &out)
	if got := out.String(); got != "gadget-run: short\n" {
		t.Errorf("got %q", got)
	}
}
