package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const tableHead = "%d CPUs, median of %d turns of %v CPU time each\n\n" +
	"| operation | untraced | gadget | slowdown | filtered costs | empty costs | bpftrace | slowdown " +
	"| cost, ours : theirs | run time, ours : filtered : theirs | our CPU |\n" +
	"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"

// print writes the line of a workload.
func (r *result) print(w io.Writer) {
	peer, both := r.peer(), ""
	if len(r.with[peerSide]) > 0 {
		peer = fmt.Sprintf("%.0f (%s)", r.rate(peerSide), r.workload.peer)
		both = fmt.Sprintf("%.2f : %.2f µs", r.cost(ourSide), r.cost(peerSide))
	}
	ours := middle(r.with[ourSide], func(f figures) time.Duration { return f.cpu })
	cells := []string{
		r.workload.what, fmt.Sprintf("%.0f", r.untraced()), fmt.Sprintf("%.0f", r.rate(ourSide)), r.slowdown(ourSide),
		r.costs(leftOutSide), r.costs(emptySide), peer, r.slowdown(peerSide), both, r.runs(),
		fmt.Sprintf("%.0f %%", 100*ours.Seconds()),
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// middle returns the median of what value returns for each of all.
func middle[E any, V cmp.Ordered](all []E, value func(E) V) V {
	var values []V
	for _, e := range all {
		values = append(values, value(e))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// rate is how often the operation was done for each second with a side.
func (r *result) rate(side string) float64 {
	return middle(r.with[side], func(f figures) float64 { return f.rate })
}

func (r *result) untraced() float64 {
	return middle(r.none, func(rate float64) float64 { return rate })
}

// cost is what an operation takes longer with a side, in microseconds.
func (r *result) cost(side string) float64 { return 1e6/r.rate(side) - 1e6/r.untraced() }

// costs is the text of cost, empty for a side that was not measured.
func (r *result) costs(side string) string {
	if len(r.with[side]) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f µs", r.cost(side))
}

// slowdown is by how much a side slows operations down.
func (r *result) slowdown(side string) string {
	if len(r.with[side]) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*(1-r.rate(side)/r.untraced()))
}

// runs is how long the programs of the sides run for each operation.
func (r *result) runs() string {
	var times []string
	for _, side := range []string{ourSide, leftOutSide, peerSide} {
		text := "-"
		if all := r.with[side]; len(all) > 0 {
			run := middle(all, func(f figures) time.Duration { return f.runs })
			text = fmt.Sprintf("%.2f", float64(run)/float64(time.Microsecond))
		}
		times = append(times, text)
	}
	return strings.Join(times, " : ") + " µs"
}

// peer explains why nothing was measured with bpftrace.
func (r *result) peer() string {
	if r.peerErr == nil {
		return "none"
	}
	return r.peerErr.Error()
}
