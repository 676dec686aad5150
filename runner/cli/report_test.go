package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReportBounded(t *testing.T) {
	for name, text := range map[string]string{"ASCII": "x", "not ASCII": "äö€", "unprintable": "\x1b"} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := Report(errors.New(strings.Repeat(text, 1<<18)), &out); code != ExitFailed {
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
	Report(errors.New("short"), &out)
	if got := out.String(); got != "gadget-run: short\n" {
		t.Errorf("got %q", got)
	}
}
