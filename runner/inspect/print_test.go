package inspect_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
)

// TestDescriptionOnNarrowTerminal: a long description is broken between words.
func TestDescriptionOnNarrowTerminal(t *testing.T) {
	report := &inspect.Report{}
	report.Description = "shows which processes open which files"
	var plain bytes.Buffer
	narrow := clitest.NewScreen(t, 40)
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
