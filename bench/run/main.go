// Command run measures "gadget-run run": what an event costs it and the process that
// is traced, how many it takes without loss, how soon the first one is shown, and
// what it takes of memory. It prints a table. It is run as root in the workspace's
// directory and compiles the gadgets that it needs, so the first time it fetches the
// compiler.
//
//	go run ./bench/run
//	PEER=PATH go run ./bench/run   # an ig beside it
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// generateCommand makes the program open files instead, for the process that is
// traced.
const generateCommand = "generate"

func main() {
	if len(os.Args) > 1 && os.Args[1] == generateCommand {
		generate()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "run: %v\n", err)
		os.Exit(1)
	}
}

// bench is what is measured, with what.
type bench struct {
	ctx      context.Context
	seconds  time.Duration // of each measurement of a rate
	rounds   int           // of each measurement of a time
	tmp      string
	archives map[string]string // of gadgets, by name
	sides    []side
	rows     []row
}

func run(ctx context.Context, args []string) error {
	b := &bench{ctx: ctx, archives: map[string]string{}}
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	flags.DurationVar(&b.seconds, "time", 3*time.Second, "time of each measurement of a rate")
	flags.IntVar(&b.rounds, "rounds", 5, "measurements of each time, of which the median counts")
	binary := flags.String("gadget-run", "", "gadget-run to measure (default: built from ./runner)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("it needs root to load eBPF programs")
	}
	tmp, err := os.MkdirTemp("", "bench-run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b.tmp = tmp
	if err := b.prepare(*binary); err != nil {
		return err
	}
	for _, s := range b.sides {
		if err := b.measure(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	b.print()
	return nil
}

// prepare builds gadget-run and the gadgets.
func (b *bench) prepare(binary string) error {
	if binary == "" {
		binary = filepath.Join(b.tmp, "gadget-run")
		build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./runner")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building gadget-run: %w\n%s", err, out)
		}
	}
	own := side{name: "gadget-run", binary: binary, flags: []string{"--state", filepath.Join(b.tmp, "state")}}
	for name, dir := range map[string]string{"open": "gadgets/trace_open", "flood": "bench/run/gadget"} {
		b.archives[name] = filepath.Join(b.tmp, name+".tar")
		build := exec.CommandContext(b.ctx, binary, "image", "build", dir, "--platform", "linux/"+runtime.GOARCH,
			"-o", "type=oci,dest="+b.archives[name], "--state", filepath.Join(b.tmp, "state"))
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", dir, err, out)
		}
	}
	if err := b.addWasm(binary); err != nil {
		return err
	}
	b.sides = []side{own}
	if peer := os.Getenv("PEER"); peer != "" {
		b.sides = append(b.sides, side{
			name: filepath.Base(peer), binary: peer, imports: true, flags: []string{"--host", "--verify-image=false"},
		})
	}
	return nil
}
