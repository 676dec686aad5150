package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const tableHead = `%d CPUs, best of %d turns of %v CPU time each

| operation | untraced | gadget | slowdown | filtered costs | empty costs | bpftrace | slowdown | cost, ours : theirs | run time, ours : filtered : theirs | our CPU |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`

// print writes the line of a workload.
func (r *result) print(w io.Writer) {
	peer, both := r.peer(), ""
	if r.with[peerSide].rate > 0 {
		peer = fmt.Sprintf("%.0f (%s)", r.with[peerSide].rate, r.workload.peer)
		both = fmt.Sprintf("%.2f : %.2f µs", r.cost(ourSide), r.cost(peerSide))
	}
	cells := []string{
		r.workload.what, fmt.Sprintf("%.0f", r.none), fmt.Sprintf("%.0f", r.with[ourSide].rate), r.loses(ourSide),
		r.costs(leftOutSide), r.costs(emptySide), peer, r.loses(peerSide), both, r.runs(),
		fmt.Sprintf("%.0f %%", 100*r.with[ourSide].cpu.Seconds()),
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// cost is what an operation takes longer with a side, in microseconds.
func (r *result) cost(side string) float64 { return 1e6/r.with[side].rate - 1e6/r.none }

// costs is the text of cost, empty for a side that was not measured.
func (r *result) costs(side string) string {
	if r.with[side].rate == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f µs", r.cost(side))
}

// loses is by how much a side slows operations down.
func (r *result) loses(side string) string {
	if r.with[side].rate == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*(1-r.with[side].rate/r.none))
}

// runs is how long the programs of the sides run for each operation.
func (r *result) runs() string {
	var times []string
	for _, side := range []string{ourSide, leftOutSide, peerSide} {
		text := "-"
		if f := r.with[side]; f.rate > 0 {
			text = fmt.Sprintf("%.2f", float64(f.runs)/float64(time.Microsecond))
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
