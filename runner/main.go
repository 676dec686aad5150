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
	"syscall"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The runtime's memory settings, unless GOGC or GOMEMLIMIT say otherwise: the
// live heap is small and steady while a gadget runs, so that collecting early
// costs little and keeps the resident set small.
const (
	gcPercent   = 50
	memoryLimit = 48 << 20
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(report(err, os.Stderr))
}

// report writes err and returns the exit code that it stands for.
func report(err error, stderr io.Writer) int {
	if err != nil && !errors.Is(err, cli.ErrInterrupted) {
		fmt.Fprintf(stderr, "gadget-run: %v\n", err)
	}
	return cli.ExitCode(err)
}
