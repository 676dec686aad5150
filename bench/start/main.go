// Command start measures what narrow (runner/app/narrow.go) saves when gadget-run
// starts, which is why it stays: it reads the flags of one command alone, where kong
// would read those of all. The program is built as it is, and without narrow by an
// overlay over its source; both are started by turns, and the time is printed that a
// quarter of the starts stay below. A shortcut that saves less than a millisecond
// goes.
//
//	go run ./bench/start
//	go run ./bench/start -layout DIR # as root: also until a gadget traces
//
// On 26 November 2026, on 2 busy cores (a load of 31), 120 starts each.
// Nothing is narrowed for --version, which shows how far chance goes:
//
//	| ms | as it is | without narrow |
//	|---|--:|--:|
//	| --version | 10.7 | 10.7 |
//	| image list | 7.4 | 11.0 |
//	| run --help | 8.9 | 11.3 |
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "start: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("start", flag.ExitOnError)
	starts := flags.Int("n", 200, "starts of each program")
	layout := flags.String("layout", "", "layout of a gadget to run, as root")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bench-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	programs, err := buildAll(ctx, tmp)
	if err != nil {
		return err
	}
	state := "--state=" + filepath.Join(tmp, "state")
	commands := []command{
		{"--version", []string{"--version"}, false},
		{"image list", []string{state, "image", "list"}, false},
		{"run --help", []string{"run", "--help"}, false},
	}
	if *layout != "" {
		dir, err := filepath.Abs(*layout) // without ./ it would be a reference
		if err != nil {
			return err
		}
		commands = append(commands, command{"run, until ready", []string{
			"run", dir, "--output=none", "--verify-image=false", "--ready-fd=3",
		}, true})
	}
	fmt.Fprintf(stdout, "| ms |")
	for _, p := range programs {
		fmt.Fprintf(stdout, " %s |", cmp.Or(p.without, "as it is"))
	}
	fmt.Fprintln(stdout, "\n|---|"+strings.Repeat("--:|", len(programs)))
	for _, c := range commands {
		times, err := c.measure(ctx, programs, *starts)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(stdout, "| %s |", c.name)
		for _, t := range times {
			fmt.Fprintf(stdout, " %.1f |", float64(t.Microseconds())/1000)
		}
		fmt.Fprintln(stdout)
	}
	return nil
}
