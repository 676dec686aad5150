package main

import (
	"fmt"
	"io"
	"time"
)

// print writes the tables.
func (b *bench) print(w io.Writer) {
	f := b.figures
	fmt.Fprintf(w, "%d kernels, %d processes at a time\n\n", f.Kernels, f.Jobs)
	fmt.Fprintf(w, "| %-36s | %10s | %10s | %8s | %9s | %9s |\n", "", "wall", "CPU", "peak", "by wall", "by CPU")
	fmt.Fprintf(w, "|%s|-----------:|-----------:|---------:|----------:|----------:|\n",
		"--------------------------------------")
	ref := f.Sides[0]
	for _, s := range f.Sides {
		rss := ""
		if s.RSS > 0 {
			rss = fmt.Sprintf("%d MB", s.RSS>>20)
		}
		fmt.Fprintf(w, "| %-36s | %10s | %10s | %8s | %7.1f x | %7.1f x |\n",
			s.Name, round(s.Wall), round(s.CPU), rss, ratio(ref.Wall, s.Wall), ratio(ref.CPU, s.CPU))
	}
	fmt.Fprintf(w, "\n| %-36s | %10s | %10s | %7s |\n", "bytes", "reference", "ours", "ratio")
	fmt.Fprintf(w, "|%s|-----------:|-----------:|--------:|\n", "--------------------------------------")
	size := func(name string, ref, ours int64) {
		fmt.Fprintf(w, "| %-36s | %10d | %10d | %5.1f %% |\n", name, ref, ours, 100*float64(ours)/float64(ref))
	}
	size("archives, imported shards", f.ArchiveBytes, f.ShardBytes)
	size("tar.gz of bpftool's files, layers", f.RefLayerBytes, f.LayerBytes)
	fmt.Fprintf(w, "\n%d results were computed for %d kernels.\n", f.Computed, f.Kernels)
	fmt.Fprintf(w, "\n| %-36s | %10s | %10s | %10s |\n", "kernels in one shard", "wall", "computed", "a kernel")
	fmt.Fprintf(w, "|%s|-----------:|-----------:|-----------:|\n", "--------------------------------------")
	for _, g := range f.Growth {
		fmt.Fprintf(w, "| %-36d | %10s | %10d | %10s |\n", g.Kernels, round(g.Wall), g.Computed,
			round(g.Wall/time.Duration(g.Kernels)))
	}
}

func round(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func ratio(ref, d time.Duration) float64 { return float64(ref) / float64(d) }
