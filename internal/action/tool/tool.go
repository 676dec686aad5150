// Package tool is the command line of a build action: kong flags, a params
// file, and the exit codes 0, 1 (it did not work) and 2 (usage).
package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// Exit codes of a tool.
const (
	exitFailed = 1
	exitUsage  = 2
)

// UsageError means that the command line is wrong.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() + ", see --help" }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// errHelp means that help was requested and printed.
var errHelp = errors.New("help was printed")

// Stdio is where a tool reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run is the work of a tool's main.
type Run func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error

// Main runs a tool on the arguments of the process, cancelled by SIGINT and
// SIGTERM, and returns its exit code.
func Main(name string, run Run) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return ExitCode(name, run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr)
}

// ExitCode prints err to stderr and returns the exit code that it means.
func ExitCode(name string, err error, stderr io.Writer) int {
	usage := (*UsageError)(nil)
	switch {
	case err == nil, errors.Is(err, errHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return exitFailed
}

// Parse fills the kong struct flags from args, after expanding a params file.
// Errors are *UsageError.
func Parse(name, doc string, flags any, args []string, stdout io.Writer) error {
	args, err := action.Args(args)
	if err != nil {
		return err
	}
	helped := false
	parser, err := kong.New(flags, kong.Name(name), kong.Description(doc),
		kong.Writers(stdout, stdout), kong.Exit(func(int) { helped = true }))
	if err != nil {
		return fmt.Errorf("describing flags: %w", err)
	}
	_, err = parser.Parse(args)
	if helped {
		return errHelp
	}
	if err != nil {
		return &UsageError{err}
	}
	return nil
}
