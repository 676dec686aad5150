package engine

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf/btf"
)

// Feed is an array data source that no eBPF program fills.
type Feed struct {
	Name  string
	Event *btf.Struct
	// First is when it is read for the first time, 0 for after Interval.
	First, Interval time.Duration
	Count           int // readings, 0 for no limit
	// Read returns the entries, one behind the other. It is called once at the
	// start without showing anything.
	Read func() ([]byte, error)
	// Close ends reading, may be nil.
	Close func() error
}

// openFeeds reads every feed once: what it shows is relative to that.
func (l *Loaded) openFeeds() error {
	for i, f := range l.feeds {
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
