// Command gadget-run pulls gadgets, eBPF programs packed as OCI artifacts, and
// runs them on this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// memoryLimit is where the garbage collector begins to work hard, unless
// GOMEMLIMIT says otherwise. Below it a command collects nothing: most end
// before that pays, and run has limits of its own once the gadget runs.
const memoryLimit = 40 << 20

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
		debug.SetGCPercent(-1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	err := app.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(report(err, os.Stderr))
}

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

// report writes err and returns the exit code that it stands for.
func report(err error, stderr io.Writer) int {
	if err != nil && !errors.Is(err, cli.ErrInterrupted) {
		notes := cli.NewNotes(stderr)
		fmt.Fprintln(notes, "gadget-run: "+bounded(printable.Text(err.Error())))
		notes.Close(reportGrace)
	}
	return cli.ExitCode(err)
}
