// Command chain measures the way from an edit to events on the node: builds of
// trace_open that change nothing, the program or the metadata, and the start of
// gadget-run. It prints a table of medians next to the target figures.
//
// Run it as root in a clone without other builds:
//
//	./bazelw run //bench/chain
//
// It edits files of gadgets/trace_open and puts them back.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"
)

// flags are the command line.
type flags struct {
	Runs int  `default:"5" help:"Counted runs of each measurement."`
	Root bool `help:"Also measure making Bazel's private root from nothing, which downloads it again."`
}

// row is one line of the table.
type row struct {
	name     string
	measured string
	aim      string
	ok       bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "chain: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var f flags
	parser, err := kong.New(&f, kong.Name("chain"), kong.Writers(stdout, os.Stderr))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	dir := os.Getenv("BUILD_WORKSPACE_DIRECTORY")
	if dir == "" {
		return errors.New("finding the workspace: start it with ./bazelw run //bench/chain")
	}
	b := &builder{dir: dir, runs: f.Runs}
	phases := []struct {
		name string
		run  func(context.Context, *builder) ([]row, error)
	}{
		{"building", measureBuilds},
		{"running gadget-run", measureRunner},
	}
	if f.Root {
		phases = append(phases, struct {
			name string
			run  func(context.Context, *builder) ([]row, error)
		}{"making the private root", measureRoot})
	}
	var rows []row
	for _, p := range phases {
		fmt.Fprintf(os.Stderr, "%s ...\n", p.name)
		more, err := p.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	return printTable(stdout, rows)
}

func printTable(w io.Writer, rows []row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MEASUREMENT\tMEDIAN\tAIM\tMET")
	for _, r := range rows {
		met := "yes"
		if !r.ok {
			met = "NO"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.name, r.measured, r.aim, met)
	}
	return tw.Flush()
}

// median returns the median of the runs that measure returned.
func median(runs int, measure func(i int) (time.Duration, error)) (time.Duration, error) {
	var all []time.Duration
	for i := range runs {
		d, err := measure(i)
		if err != nil {
			return 0, err
		}
		all = append(all, d)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// durationRow is a row whose figure is a time that should be below aim.
func durationRow(name string, d, aim time.Duration) row {
	return row{name, d.Round(time.Millisecond).String(), "< " + aim.String(), d < aim}
}
