package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// A panic is not a success: only help, which kong ends with exited, is.
func TestPanicked(t *testing.T) {
	for _, tc := range []struct {
		value any
		code  int
		want  string
	}{
		{exited{0}, cli.ExitOK, ""},
		{exited{1}, cli.ExitUsage, "usage error"},
		{
			errors.New("index out of range"), cli.ExitFailed,
			"internal error: index out of range, please report it with the output of -v",
		},
		{"text", cli.ExitFailed, "internal error: text"},
	} {
		err := panicked(tc.value)
		if code := cli.ExitCode(err); code != tc.code {
			t.Errorf("%v: exit code %d, want %d", tc.value, code, tc.code)
		}
		if tc.want != "" && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %q, want %q", tc.value, err, tc.want)
		}
		var p *guard.PanicError
		if tc.code == cli.ExitFailed && (!errors.As(err, &p) || len(p.Stack) == 0) {
			t.Errorf("%v: no stack for -v", tc.value)
		}
	}
}
