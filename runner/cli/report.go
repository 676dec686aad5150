package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

// reportGrace is how long a reader of stderr that does not read may hold the end
// of the process.
const reportGrace = time.Second

// maxReport bounds what is printed of an error, in bytes: files from outside may
// have names of any length in them.
const maxReport = 4 << 10

// bounded cuts what is longer than that.
func bounded(text string) string {
	if len(text) <= maxReport {
		return text
	}
	shown := strings.ToValidUTF8(text[:maxReport], "")
	return fmt.Sprintf("%s... and %d bytes more", shown, len(text)-len(shown))
}

// Report writes the error that ends the program to stderr and returns its exit code.
func Report(err error, stderr io.Writer) int {
	if err != nil && !errors.Is(err, ErrInterrupted) {
		notes := NewNotes(stderr)
		Message(notes, "gadget-run: "+bounded(printable.Text(err.Error())))
		notes.Close(reportGrace)
	}
	return ExitCode(err)
}
