// Command soak runs gadget-run as a service while containers come and go, and
// fails when it grows: in memory, file descriptors, threads or eBPF objects. It
// needs root. What it measured it prints, and draws as SVG.
//
//	go run ./tools/dev/soak -duration 20m -containers 100000 -events 10000000 -svg docs/soak.svg
//
// The containers are processes of this program in mount namespaces of their own;
// a server on a socket reports them as docker would.
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
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	if os.Getenv(containerEnv) != "" {
		beContainer()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "soak: %v\n", err)
		os.Exit(1)
	}
}

// options describe what happens and for how long.
type options struct {
	duration   time.Duration
	containers int // that come and go
	events     int // that they cause
	every      time.Duration
	growth     float64 // percent that memory may grow after the start
	svg        string
	runner     string // a gadget-run, else it is built
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("soak", flag.ExitOnError)
	flags.DurationVar(&o.duration, "duration", 20*time.Minute, "how long containers come and go")
	flags.IntVar(&o.containers, "containers", 100000, "containers that come and go")
	flags.IntVar(&o.events, "events", 10000000, "events that the containers cause")
	flags.DurationVar(&o.every, "every", 5*time.Second, "time between two samples")
	flags.Float64Var(&o.growth, "growth", 10, "percent by which memory may grow after the first quarter")
	flags.StringVar(&o.svg, "svg", "", "file for the curves")
	flags.StringVar(&o.runner, "runner", "", "gadget-run to test (default: it is built)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("it loads programs and makes namespaces, run it as root")
	}
	if o.containers < 1 || o.events < o.containers || o.every <= 0 || o.duration < 8*o.every {
		return errors.New("it takes at least one container, one event of each, and a duration of eight samples")
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return soak(ctx, o, dir, stdout)
}

// soak runs everything in dir.
func soak(ctx context.Context, o options, dir string, stdout io.Writer) error {
	docker, err := startRuntime(filepath.Join(dir, "docker.sock"))
	if err != nil {
		return err
	}
	defer docker.close()
	s, err := startService(ctx, o, dir)
	if err != nil {
		return err
	}
	start := time.Now()
	var samples []sample
	bounded, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	g, bounded := errgroup.WithContext(bounded)
	c := &churn{options: o, runtime: docker}
	g.Go(func() error { return c.run(bounded) })
	g.Go(func() error {
		for ctxSleep(bounded, o.every) {
			one, err := s.sample(time.Since(start))
			if err != nil {
				return err
			}
			one.containers = int(c.started.Load())
			samples = append(samples, one)
		}
		return nil
	})
	err = errors.Join(g.Wait(), s.stop())
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	r := newReport(o, samples, s)
	if o.svg != "" {
		if err := os.WriteFile(o.svg, r.svg(), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprint(stdout, r.text())
	return r.verdict()
}

// ctxSleep waits and reports whether ctx still holds.
func ctxSleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
