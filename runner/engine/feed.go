package engine

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf/btf"
)

// Feed is a data source that no eBPF program fills: an array, or with Follow one
// of single events.
type Feed struct {
	Name  string
	Event *btf.Struct
	// First is when it is read for the first time, 0 for after Interval.
	First, Interval time.Duration
	Count           int // readings, 0 for no limit
	// Read returns the entries, one after the other. It is called once at the
	// start without showing anything.
	Read func() ([]byte, error)
	// Follow has emit called for each event, one at a time, from before the programs
	// are attached until stop has returned. Read and what says when to read do not
	// count then.
	Follow func(emit func(sample []byte)) (stop func())
	// Close ends reading, may be nil.
	Close func() error
}

// openFeeds reads every array once: what it shows is relative to that.
func (l *Loaded) openFeeds() error {
	for i, f := range l.feeds {
		if f.Follow != nil {
			l.follows = true
			continue
		}
		if _, err := f.Read(); err != nil {
			return fmt.Errorf("data source %q: %w", f.Name, err)
		}
		l.arrays = append(l.arrays, array{
			source: len(l.plan.Tables) + i, size: int(f.Event.Size), fetch: f.Read,
			schedule: schedule{first: f.First, interval: max(f.Interval, minimalArrayRefresh), count: f.Count},
		})
	}
	return nil
}

// followFeeds hands the events of feeds to h until the returned function is called.
func (l *Loaded) followFeeds(h Handler) (stop func()) {
	var stops []func()
	for i, f := range l.feeds {
		if source := len(l.plan.Tables) + i; f.Follow != nil {
			stops = append(stops, f.Follow(func(sample []byte) { h.Event(source, sample) }))
		}
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}
