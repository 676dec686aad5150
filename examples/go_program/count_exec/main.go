// Command count counts the programs that each user starts, until it is interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/cilium/ebpf/link"

	"example.com/count_exec/bindings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := count(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "count:", err)
		os.Exit(1)
	}
}

func count(ctx context.Context) (err error) {
	var objects bindings.CountObjects
	if err := bindings.LoadCountObjects(&objects, nil); err != nil {
		return fmt.Errorf("loading the object: %w", err)
	}
	defer func() { err = errors.Join(err, objects.Close()) }()
	tracepoint, err := link.Tracepoint("sched", "sched_process_exec", objects.CountExec, nil)
	if err != nil {
		return fmt.Errorf("attaching: %w", err)
	}
	defer func() { err = errors.Join(err, tracepoint.Close()) }()
	fmt.Fprintln(os.Stderr, "counting, press Ctrl-C to stop")
	<-ctx.Done()
	return report(&objects)
}

func report(objects *bindings.CountObjects) error {
	var key bindings.CountCountKey
	var value bindings.CountCountValue
	all := objects.Counts.Iterate()
	for all.Next(&key, &value) {
		fmt.Printf("uid %d: %d programs\n", key.UidRaw, value.Programs)
	}
	return all.Err()
}
