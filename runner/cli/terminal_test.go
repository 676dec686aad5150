package cli_test

import (
	"bytes"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
)

// TestIsScreen: only a terminal that acts on escape sequences gets some.
func TestIsScreen(t *testing.T) {
	_, terminal := clitest.Terminal(t, 80)
	t.Setenv("TERM", "xterm")
	if !cli.IsScreen(terminal) || cli.IsScreen(&bytes.Buffer{}) {
		t.Error("xterm is not a screen, or a buffer is one")
	}
	t.Setenv("TERM", "dumb")
	if cli.IsScreen(terminal) {
		t.Error("a dumb terminal is taken for a screen")
	}
	if !cli.IsTerminal(terminal) {
		t.Error("a dumb terminal is not taken for a terminal")
	}
}
