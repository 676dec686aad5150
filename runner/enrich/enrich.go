// Package enrich finds the container that an event comes from, by the namespaces
// that the event has, and whether the user selected it. Looking up takes no lock
// and makes no request: the data comes from a watch of the runtimes.
package enrich

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Grace is how long a container is known after its end: its last events may
// still be on their way.
const Grace = 5 * time.Second

// Source is where containers are known from; a *container.Collection.
type Source interface {
	Watch(ctx context.Context, fn func(container.Event)) error
}

// Kernel is a filter of events in the kernel; an *engine.Loaded.
type Kernel interface {
	AllowMountNS(ns uint64) error
	ForbidMountNS(ns uint64) error
}

// Tracker follows the containers of this node.
type Tracker struct {
	selector container.Selector
	grace    time.Duration
	problem  func(error)
	index    atomic.Pointer[index]
	listed   chan struct{}

	mu        sync.Mutex
	entries   map[id]*entry
	kernel    Kernel // nil if none exists
	followers []func(c *container.Container, runs bool)
	prune     *time.Timer
	ended     bool // Run has returned
}

// id names one run of a container.
type id struct {
	runtime, container string
	pid                uint32
}

type entry struct {
	c        container.Container
	info     *field.Container
	selected bool
	gone     time.Time // when it ended, zero while it runs
}

// New returns a Tracker of the containers that selector matches, and of the others
// by name alone. problem is called for what goes wrong later; it may be called from
// any goroutine.
func New(selector container.Selector, problem func(error)) *Tracker {
	t := &Tracker{
		selector: selector, grace: Grace, problem: problem,
		listed: make(chan struct{}), entries: map[id]*entry{},
	}
	t.index.Store(&index{})
	return t
}

// Run follows src until ctx ends, and returns once all its goroutines have ended.
func (t *Tracker) Run(ctx context.Context, src Source) error {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.ended = true
		if t.prune != nil {
			t.prune.Stop()
		}
	}()
	return src.Watch(ctx, t.event)
}

// Listed is closed when the containers that ran at the start are known.
func (t *Tracker) Listed() <-chan struct{} { return t.listed }

// Running returns how many of the selected containers run.
func (t *Tracker) Running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, e := range t.entries {
		if e.selected && e.gone.IsZero() {
			n++
		}
	}
	return n
}

// FilterIn keeps k at the mount namespaces of the selected containers, from now on.
func (t *Tracker) FilterIn(k Kernel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kernel = k
	for _, e := range t.entries {
		t.allow(e)
	}
}

// Follow calls fn for every selected container that runs, now and from now on, and
// again when it has ended; one call at a time. It may be called for several.
func (t *Tracker) Follow(fn func(c *container.Container, runs bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers = append(t.followers, fn)
	for _, e := range t.entries {
		if e.selected && e.gone.IsZero() {
			fn(&e.c, true)
		}
	}
}

// Leave ends FilterIn and Follow: their functions are no longer called.
func (t *Tracker) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kernel, t.followers = nil, nil
}

func (t *Tracker) event(ev container.Event) {
	if ev.Type == container.Listed {
		close(t.listed)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch ev.Type {
	case container.Added:
		t.add(ev.Container)
	case container.Removed:
		for key, e := range t.entries {
			if key.runtime == ev.Container.Runtime.Name && key.container == ev.Container.Runtime.ID && e.gone.IsZero() {
				t.remove(e)
			}
		}
	}
}

func (t *Tracker) add(c container.Container) {
	e := &entry{c: c, info: info(&c), selected: t.selector.Match(&c)}
	t.entries[id{c.Runtime.Name, c.Runtime.ID, c.PID}] = e
	// First the names, then the events.
	t.reindex()
	t.allow(e)
	t.notify(e, true)
}

// notify calls what follows the containers.
func (t *Tracker) notify(e *entry, runs bool) {
	if !e.selected {
		return
	}
	for _, fn := range t.followers {
		fn(&e.c, runs)
	}
}

func (t *Tracker) allow(e *entry) {
	if t.kernel == nil || !e.selected || !e.gone.IsZero() || e.c.MountNS == 0 {
		return
	}
	if err := t.kernel.AllowMountNS(e.c.MountNS); err != nil {
		t.problem(err)
	}
}

func (t *Tracker) remove(e *entry) {
	e.gone = time.Now()
	t.reindex()
	t.notify(e, false)
	if t.prune == nil {
		t.prune = time.AfterFunc(t.grace, t.forget)
	}
	if t.kernel == nil || !e.selected || t.runs(e.c.MountNS) {
		return
	}
	if err := t.kernel.ForbidMountNS(e.c.MountNS); err != nil {
		t.problem(err)
	}
}

// runs reports whether a selected container in mount namespace ns runs.
func (t *Tracker) runs(ns uint64) bool {
	for _, e := range t.entries {
		if e.selected && e.gone.IsZero() && e.c.MountNS == ns {
			return true
		}
	}
	return false
}

// forget drops the containers that ended long enough ago, and comes again for
// the others that ended.
func (t *Tracker) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var next time.Duration
	maps.DeleteFunc(t.entries, func(_ id, e *entry) bool {
		if e.gone.IsZero() {
			return false
		}
		left := t.grace - time.Since(e.gone)
		if left > 0 && (next == 0 || left < next) {
			next = left
		}
		return left <= 0
	})
	t.reindex()
	t.prune = nil
	if next > 0 && !t.ended {
		t.prune = time.AfterFunc(next, t.forget)
	}
}

// info returns what the fields of an event show of c.
func info(c *container.Container) *field.Container {
	out := &field.Container{
		Runtime: c.Runtime.Name, Name: c.Runtime.Container, ID: c.Runtime.ID, PID: c.PID,
		ImageName: c.Runtime.ImageName, ImageDigest: c.Runtime.ImageDigest, StartedAt: c.Runtime.StartedAt,
		Namespace: c.K8s.Namespace, Pod: c.K8s.PodName, PodContainer: c.K8s.Container,
		PodLabels: labels(c.K8s.PodLabels), HostNetwork: c.HostNetwork,
	}
	if o := c.K8s.Owner; o != nil {
		out.OwnerKind, out.OwnerName = o.Kind, o.Name
	}
	return out
}

// labels returns "key=value,key2=value2", sorted.
func labels(m map[string]string) string {
	pairs := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, k+"="+m[k])
	}
	return strings.Join(pairs, ",")
}
