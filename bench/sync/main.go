// Command sync shows what a registry sees when many nodes sync the same lock file:
// so many syncs in this process, each with a store of its own, against one registry
// and, in a second round, a mirror before it. It prints the requests and when they
// came. Everything is on the loopback interface.
//
//	go run ./bench/sync -nodes 10000 -jitter 5m
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "sync: %v\n", err)
		os.Exit(1)
	}
}

// options describe how large the fleet is.
type options struct {
	nodes, gadgets int
	layer          int // bytes of each object
	jitter         time.Duration
	atOnce         int    // syncs that this machine runs at once, in addition to those that wait
	tmp            string // for the stores
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("sync", flag.ExitOnError)
	flags.IntVar(&o.nodes, "nodes", 200, "nodes that sync")
	flags.IntVar(&o.gadgets, "gadgets", 10, "gadgets of the list")
	flags.IntVar(&o.layer, "layer", 20<<10, "bytes of each object")
	flags.DurationVar(&o.jitter, "jitter", 5*time.Second, "value of --jitter")
	flags.IntVar(&o.atOnce, "at-once", 10000, "syncs that run or wait at once, at most")
	flags.StringVar(&o.tmp, "tmp", "", "directory for the stores (default: the system's)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d nodes, %d gadgets of %d bytes, jitter %s\n\n", o.nodes, o.gadgets, o.layer, o.jitter)
	for _, mirrored := range []bool{false, true} {
		err := scenario(ctx, o, mirrored, func(round string, servers []*recorder) error {
			title := "without a mirror, " + round
			if mirrored {
				title = "with a mirror, " + round
			}
			return report(stdout, title, servers)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// report prints what the servers saw.
func report(w io.Writer, title string, servers []*recorder) error {
	fmt.Fprintln(w, title)
	for _, r := range servers {
		fmt.Fprintf(w, "  %-8s %s\n", r.name, r.summary())
		if curve := r.curve(); curve != "" {
			fmt.Fprintf(w, "  %-8s requests in each twelfth of the time: %s\n", "", curve)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

// The rounds of a scenario.
const (
	roundFirst   = "first sync"
	roundChanged = "one gadget changed"
	roundSame    = "nothing changed"
)

// scenario syncs a fleet in each round, and reports what the servers saw.
func scenario(ctx context.Context, o options, mirrored bool,
	report func(round string, servers []*recorder) error,
) error {
	f, err := newFleet(ctx, o, mirrored)
	if err != nil {
		return err
	}
	defer f.close()
	for _, round := range []string{roundFirst, roundChanged, roundSame} {
		if round == roundChanged {
			if err := f.publish(ctx, 0, 1); err != nil {
				return err
			}
		}
		if err := f.lock(ctx); err != nil {
			return err
		}
		if err := f.syncAll(ctx); err != nil {
			return err
		}
		if n := f.again.Swap(0); n > 0 {
			round += fmt.Sprintf(" (%d syncs failed and were tried again)", n)
		}
		if err := report(round, f.servers()); err != nil {
			return err
		}
	}
	return nil
}
