package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// print writes the table.
func (b *bench) print(w io.Writer, kernels int) {
	fmt.Fprintf(w, "%d gadgets with programs, %d kernels, imported once in %v\n\n", len(b.rows), kernels,
		b.imported.Round(10*time.Millisecond))
	fmt.Fprintf(w, "| %-22s | %8s | %8s | %5s | %8s | %11s | %11s |\n", "gadget", "programs", "compared", "lost", "time",
		"amd64 layer", "arm64 layer")
	fmt.Fprintln(w, "|------------------------|---------:|---------:|------:|---------:|------------:|------------:|")
	sum := row{layer: map[arch.Arch]int{}}
	programs := 0
	for _, name := range slices.Sorted(maps.Keys(b.rows)) {
		r := b.rows[name]
		line(w, name, len(r.programs[arch.AMD64]), r)
		programs += len(r.programs[arch.AMD64])
		sum.compared += r.compared
		sum.lost += r.lost
		sum.took += r.took
		for a, n := range r.layer {
			sum.layer[a] += n
		}
	}
	line(w, "all", programs, &sum)
}

// line writes a line of the table. Programs are those of amd64.
func line(w io.Writer, name string, programs int, r *row) {
	fmt.Fprintf(w, "| %-22s | %8d | %8d | %5d | %8s | %11d | %11d |\n", name, programs, r.compared, r.lost,
		r.took.Round(100*time.Microsecond), r.layer[arch.AMD64], r.layer[arch.ARM64])
}
