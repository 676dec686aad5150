package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var digits = regexp.MustCompile(`[0-9]+`)

// report is what came out.
type report struct {
	options
	samples []sample
	named   float64 // percent of the events that had their container's name
	notes   string
}

func newReport(o options, samples []sample, s *service) report {
	r := report{options: o, samples: samples, notes: strings.TrimSpace(s.notes.String())}
	if n := s.events.Load(); n > 0 {
		r.named = 100 * float64(s.named.Load()) / float64(n)
	}
	return r
}

// quarter returns a value of the samples of the second or the last quarter of the
// time: the first one is for warming up.
func (r report) quarter(last bool, value func(sample) int) []int {
	n := len(r.samples) / 4
	part := r.samples[n : 2*n]
	if last {
		part = r.samples[len(r.samples)-n:]
	}
	out := []int{}
	for _, s := range part {
		out = append(out, value(s))
	}
	slices.Sort(out)
	return out
}

// kinds are what must not grow, and by how much it may differ all the same.
func (r report) kinds() []kind {
	return []kind{
		{"resident memory, KiB", func(s sample) int {
			return s.rss
		}, func(n int) int { return int(float64(n) * r.growth / 100) }},
		{"file descriptors", func(s sample) int { return s.files }, func(int) int { return 4 }},
		{"threads", func(s sample) int { return s.threads }, func(int) int { return 4 }},
		{"eBPF maps, programs and links", func(s sample) int { return s.bpf }, func(int) int { return 0 }},
	}
}

type kind struct {
	name  string
	value func(sample) int
	slack func(before int) int
}

// growth returns the medians of the second and the last quarter.
func (r report) medians(k kind) (before, after int) {
	first, last := r.quarter(false, k.value), r.quarter(true, k.value)
	return first[len(first)/2], last[len(last)/2]
}

// text is a table.
func (r report) text() string {
	var b strings.Builder
	end := r.samples[len(r.samples)-1]
	fmt.Fprintf(&b, "%d containers and %d events in %s, %.1f %% of the events with their container's name\n",
		end.containers, end.events, r.duration, r.named)
	fmt.Fprintf(&b, "%-32s %14s %14s %10s\n", "", "2nd quarter", "last quarter", "most")
	for _, k := range r.kinds() {
		before, after := r.medians(k)
		most := k.value(slices.MaxFunc(r.samples, func(x, y sample) int { return k.value(x) - k.value(y) }))
		fmt.Fprintf(&b, "%-32s %14d %14d %10d\n", k.name, before, after, most)
	}
	if message := summary(r.notes); message != "" {
		fmt.Fprintf(&b, "gadget-run said:\n%s", message)
	}
	return b.String()
}

// summary has every line once, with how often it came; numbers do not count.
func summary(notes string) string {
	times, first := map[string]int{}, []string{}
	for line := range strings.Lines(notes) {
		kind := digits.ReplaceAllString(line, "N")
		if times[kind]++; times[kind] == 1 {
			first = append(first, line)
		}
	}
	var b strings.Builder
	for _, line := range first {
		fmt.Fprintf(&b, "%6d times: %s\n", times[digits.ReplaceAllString(line, "N")], strings.TrimSpace(line))
	}
	return b.String()
}

// verdict is an error about everything that grew, or when nothing is proven.
func (r report) verdict() error {
	var errs []error
	for _, k := range r.kinds() {
		if before, after := r.medians(k); after > before+k.slack(before) {
			errs = append(errs, fmt.Errorf("%s grew from %d to %d (medians of the second and the last quarter)", k.name, before,
				after))
		}
	}
	if end := r.samples[len(r.samples)-1]; end.events < r.events/2 || end.containers < r.containers/2 {
		errs = append(errs, fmt.Errorf("only %d containers and %d events came, so nothing is proven; give it a longer "+
			"-duration", end.containers, end.events))
	}
	return errors.Join(errs...)
}
