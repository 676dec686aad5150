package cli_test

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// TestIsScreen: only a terminal that acts on escape sequences gets some.
func TestIsScreen(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
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
