package inspect_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/inspect"
)

// screen is a buffer in place of a terminal of 40 columns.
type screen struct {
	bytes.Buffer
	terminal *os.File
}

func (s *screen) Fd() uintptr { return s.terminal.Fd() }

// TestDescriptionOnNarrowTerminal: a long description is broken between words.
func TestDescriptionOnNarrowTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 40}); err != nil {
		t.Fatal(err)
	}
	report := &inspect.Report{}
	report.Description = "shows which processes open which files"
	var plain bytes.Buffer
	narrow := &screen{terminal: terminal}
	if err := report.Print(narrow); err != nil {
		t.Fatal(err)
	}
	if err := report.Print(&plain); err != nil {
		t.Fatal(err)
	}
	if line := "Description:  " + report.Description + "\n"; !strings.Contains(plain.String(), line) {
		t.Errorf("without a terminal:\n%s\nlacks %q", &plain, line)
	}
	want := "Description:  shows which processes open\n              which files\n"
	if !strings.Contains(narrow.String(), want) {
		t.Errorf("on a narrow terminal:\n%s\nlacks %q", &narrow.Buffer, want)
	}
}
