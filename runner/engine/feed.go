package engine

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
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

// PlanOfFeeds returns the plan of a gadget without an eBPF object.
func PlanOfFeeds(feeds []Feed) *Plan {
	return &Plan{Feeds: feeds, Spec: &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{}, Variables: map[string]*ebpf.VariableSpec{},
	}}
}

// openFeeds reads every feed once: what it shows is relative to that.
func (l *Loaded) openFeeds() error {
	for _, f := range l.plan.Feeds {
		if _, err := f.Read(); err != nil {
			return fmt.Errorf("data source %q: %w", f.Name, err)
		}
		interval := max(f.Interval, minimalArrayRefresh)
		l.addArray(int(f.Event.Size), schedule{first: f.First, interval: interval, count: f.Count}, f.Read)
	}
	return nil
}
