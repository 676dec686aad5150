package app

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// memoryLimit is where the garbage collector begins to work hard, unless
// GOMEMLIMIT specifies otherwise. Below it a command collects nothing: most end
// before that pays, and run has limits of its own once the gadget runs.
const memoryLimit = 40 << 20

// Main is the program: it runs the command line of this process with its streams,
// until a signal ends it, reports an error and returns the exit code.
func Main() int {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
		debug.SetGCPercent(-1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	return cli.Report(Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr)
}
