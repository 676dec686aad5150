package runner_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestTop sorts and filters a live table, and leaves it.
func TestTop(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "counts.bpf.o"), gadgettest.File(t, "counts.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	term := atTerminal(t, append(ownFiles(t), "TERM=xterm"), "run", layout, "-o", "tasks:none,counts:top")
	term.expect("q quit)")
	term.waitSecret()
	term.typeIn(">")
	term.expect("by PID descending")
	term.typeIn("/nothing has this\n")
	term.expect(`counts: 0 of `)
	term.typeIn("q")
	if code := term.exit(); code != cli.ExitOK {
		t.Errorf("exit code %d:\n%s", code, term.shown())
	}
	if left := "\x1b[?1049l"; !strings.Contains(term.shown(), left) {
		t.Errorf("the screen was not left:\n%s", term.shown())
	}
	// Colors would be unreadable on some background, and NO_COLOR forbids them.
	for _, style := range regexp.MustCompile(`\x1b\[([0-9;]*)m`).FindAllStringSubmatch(term.shown(), -1) {
		if style[1] != "7" && style[1] != "0" {
			t.Errorf("the style %q is used, only inverse and plain are", style[0])
		}
	}
}

// TestTopOfDumbTerminal shows rows, without a single escape sequence.
func TestTopOfDumbTerminal(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "counts.bpf.o"), gadgettest.File(t, "counts.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	term := atTerminal(t, append(ownFiles(t), "TERM=dumb"), "run", layout, "-o", "tasks:none,counts:top",
		"--timeout", "2s")
	if code := term.exit(); code != cli.ExitOK {
		t.Errorf("exit code %d:\n%s", code, term.shown())
	}
	term.expect("PID")
	if strings.Contains(term.shown(), "\x1b") {
		t.Errorf("escape sequences at a dumb terminal:\n%q", term.shown())
	}
}

// TestTopRefused holds the error for what mode top cannot show.
func TestTopRefused(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "counts.bpf.o"), nil, arch.Host()); err != nil {
		t.Fatal(err)
	}
	term := atTerminal(t, ownFiles(t), "run", layout, "-o", "top")
	if code := term.exit(); code != cli.ExitUsage {
		t.Errorf("exit code %d:\n%s", code, term.shown())
	}
	term.expect("needs the output for itself")
}

// TestTopOfEvents counts single events, which come without a key being pressed.
func TestTopOfEvents(t *testing.T) {
	gadgettest.NeedsKernel(t)
	contained := gadgettest.StartContained(t, "opened-again")
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	term := atTerminal(t, append(ownFiles(t), "TERM=xterm"), "run", layout, "-o", "top", "--fields", "fname", "-F",
		"fname=="+contained.File)
	term.expect("keys: < > r p / q)")
	term.waitSecret()
	term.expect("open: 1 of 1, by COUNT descending")
	term.typeIn("p")
	term.expect("paused")
	term.typeIn("q")
	if code := term.exit(); code != cli.ExitOK {
		t.Errorf("exit code %d:\n%s", code, term.shown())
	}
}
