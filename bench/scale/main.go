// Command scale measures what builds of many gadgets for many kernels cost. It
// generates a workspace that consumes this checkout, with gadgets that each read
// other fields of the kernel, and builds it with Bazel: from nothing, with
// nothing changed, after an edit of one gadget and of a header that all share, and
// with a kernel more or less. It prints a table of how that grows.
//
//	BTFHUB_ARCHIVE=DIR go run ./bench/scale -gadgets 20,50,100
//
// DIR is a directory in the layout of btfhub-archive. The tools of the actions are
// built before anything is measured. Results of actions are taken from no cache.
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
	"strconv"
	"strings"
	"syscall"
)

// archiveEnv names the directory of archives.
const archiveEnv = "BTFHUB_ARCHIVE"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		os.Exit(1)
	}
}

// options describe what is built, and where.
type options struct {
	sizes    []int
	archs    []string
	archive  string
	checkout string
	dir      string // for the workspace and Bazel's output base
	jobs     int
	header   bool // whether to change the shared header
	log      io.Writer
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	var sizes, archs string
	flags := flag.NewFlagSet("scale", flag.ExitOnError)
	flags.StringVar(&sizes, "gadgets", "20,50,100", "numbers of gadgets, comma-separated and ascending")
	flags.StringVar(&archs, "archs", "amd64,arm64", "architectures of the gadgets, comma-separated")
	flags.StringVar(&o.archive, "archive", os.Getenv(archiveEnv), "directory in btfhub's layout (default: that of "+
		archiveEnv+")")
	flags.IntVar(&o.jobs, "jobs", 2, "actions at once")
	flags.BoolVar(&o.header, "header", true, "whether to change the header that all share, which compiles every "+
		"gadget again")
	flags.StringVar(&o.dir, "dir", "", "directory to make the workspace in, not below /tmp (default: the user's cache)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.log = os.Stderr
	var err error
	if o.sizes, err = parseSizes(sizes); err != nil {
		return err
	}
	o.archs = strings.Split(archs, ",")
	if o.archive == "" {
		return errors.New("no archives, name a directory in btfhub's layout with -archive or " + archiveEnv)
	}
	if o.checkout, err = filepath.Abs("."); err != nil {
		return err
	}
	if _, err := os.Stat("bazelw"); err != nil {
		return fmt.Errorf("%w, run it in the checkout's root", err)
	}
	if o.dir == "" {
		if o.dir, err = os.UserCacheDir(); err != nil {
			return err
		}
	}
	// Sandboxes of actions have a /tmp of their own.
	if o.dir, err = os.MkdirTemp(o.dir, "gadget-scale-"); err != nil {
		return err
	}
	b := newBuilder(o)
	defer b.remove()
	return measure(ctx, b, o, stdout)
}

func parseSizes(text string) ([]int, error) {
	var sizes []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxGadgets || len(sizes) > 0 && n <= sizes[len(sizes)-1] {
			return nil, fmt.Errorf("-gadgets: %q is not a list of ascending numbers up to %d", text, maxGadgets)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// measure builds the workspace in each size.
func measure(ctx context.Context, b *builder, o options, stdout io.Writer) error {
	kernels, err := makeWorkspace(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d kernels, %d architectures, %d actions at once\n\n%s", kernels, len(o.archs), o.jobs, header)
	for _, n := range o.sizes {
		if err := addGadgets(b.workspace, n, o.archs); err != nil {
			return err
		}
		if err := b.prepare(ctx); err != nil {
			return err
		}
		for _, s := range steps(o.header) {
			if s.edit != nil {
				if err := s.edit(b.workspace); err != nil {
					return err
				}
			}
			made, err := b.build(ctx, "//...")
			if err != nil {
				return err
			}
			if _, err := io.WriteString(stdout, made.row(n, s.name)); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(stdout, "\n"+b.costs())
	return err
}

// step is one build of the workspace, after an edit.
type step struct {
	name string
	edit func(workspace string) error
}

func steps(header bool) []step {
	all := []step{
		{"from nothing", nil},
		{"nothing changed", nil},
		{"one gadget changed", editGadget},
		{"one kernel taken away or put back", editArchive},
	}
	if header {
		all = append(all, step{"shared header changed", editHeader})
	}
	return all
}
