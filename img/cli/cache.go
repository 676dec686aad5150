package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	units "github.com/docker/go-units"
	"github.com/moby/buildkit/client"

	"github.com/rules-gadget/rules_gadget/img/engine"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// duCmd is "du".
type duCmd struct {
	onState `kong:"-"`

	Filter []string `short:"f" sep:"none" help:"Filter output based on conditions provided"`
}

// Run shows what the build cache holds.
func (d *duCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		records, err := s.Client.DiskUsage(ctx, client.WithFilter(d.Filter))
		if err != nil {
			return fmt.Errorf("reading the build cache: %w", err)
		}
		var total, reclaimable int64
		w := cacheTable(g.Out)
		for _, r := range records {
			cacheRow(w, *r)
			total += r.Size
			if !r.InUse {
				reclaimable += r.Size
			}
		}
		return sums(w, "Reclaimable", reclaimable, total)
	})
}

// pruneCmd is "prune".
type pruneCmd struct {
	onState `kong:"-"`
}

// Run removes the build cache.
func (p *pruneCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		removed := make(chan client.UsageInfo)
		done := make(chan int64)
		w := cacheTable(g.Out)
		go func() {
			var sum int64
			for r := range removed {
				cacheRow(w, r)
				sum += r.Size
			}
			done <- sum
		}()
		err := s.Client.Prune(ctx, removed, client.PruneAll)
		close(removed)
		sum := <-done
		if err != nil {
			return fmt.Errorf("pruning the build cache: %w", err)
		}
		if err := s.Collect(ctx); err != nil {
			return fmt.Errorf("pruning the build cache: %w", err)
		}
		return sums(w, "Reclaimed", sum, sum)
	})
}

func cacheTable(out io.Writer) *tabwriter.Writer {
	w := tabwriter.NewWriter(out, 0, 8, 1, ' ', 0)
	fmt.Fprintln(w, "ID\tRECLAIMABLE\tSIZE\tDESCRIPTION")
	return w
}

// cacheRow shows a record; a mutable one has a star.
func cacheRow(w io.Writer, r client.UsageInfo) {
	id := r.ID
	if r.Mutable {
		id += "*"
	}
	description := r.Description
	if len(description) > 50 {
		description = description[:50] + "..."
	}
	fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", id, !r.InUse, units.BytesSize(float64(r.Size)), description)
}

func sums(w *tabwriter.Writer, name string, part, total int64) error {
	fmt.Fprintf(w, "%s:\t%s\nTotal:\t%s\n", name, units.BytesSize(float64(part)), units.BytesSize(float64(total)))
	return w.Flush()
}
