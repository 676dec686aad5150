// Command mutants damages gadgets in many ways and gives each damaged one to a
// command of gadget-run that reads it: objects, metadata, manifests, indexes,
// archives, the store, the files of a gadget's directory. A command must end with
// exit code 0, 1 or 2 and, unless that is 0, one sentence, within 100 MiB and 5
// seconds of the processor, and never with the trace of a panic.
//
//	go run ./tools/dev/mutants --runner=FILE --source=DIR [--count=N] [--seed=N] [--jobs=N] \
//	    [--results=FILE] [--keep=DIR] [--run] ARCHIVE...
//
// ARCHIVE is what "gadget-run image build -o type=oci,dest=ARCHIVE" writes, DIR the
// directory of a gadget. A mutant follows from its seed alone. With --results a
// later run continues where this one was stopped. --run also loads damaged objects
// into the kernel, as root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// config holds the flags.
type config struct {
	runner, source, cache, results, keep string
	count, jobs                          int
	seed                                 uint64
	run                                  bool
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var c config
	caches, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.StringVar(&c.runner, "runner", "", "the gadget-run to try")
	flags.StringVar(&c.source, "source", "", "directory of a gadget with a build.yaml")
	flags.StringVar(&c.cache, "cache", filepath.Join(caches, "gadget-run"), "directory of the compiler")
	flags.StringVar(&c.results, "results", "", "file that keeps the counts and the next seed")
	flags.StringVar(&c.keep, "keep", "", "directory for the mutants that fail")
	flags.IntVar(&c.count, "count", 100_000, "how many mutants in all")
	flags.IntVar(&c.jobs, "jobs", 1, "how many at a time")
	flags.Uint64Var(&c.seed, "seed", 1, "seed of the first mutant")
	flags.BoolVar(&c.run, "run", false, "also run damaged objects")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.runner == "" || c.source == "" || flags.NArg() == 0 {
		return errors.New("--runner, --source and an archive are required")
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, path := range []*string{&c.runner, &c.cache} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	originals, err := prepare(c, dir, flags.Args())
	if err != nil {
		return err
	}
	s := series{config: c, dir: dir, originals: originals, kinds: kinds(c.run), out: stdout}
	return s.all(ctx)
}
