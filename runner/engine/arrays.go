package engine

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

const (
	defaultMapInterval  = time.Second
	maxIterBytes        = 256 << 20 // of one reading of an iterator
	minimalArrayRefresh = 10 * time.Millisecond
)

// schedule specifies when an array is read: every interval, count times (0 for
// ever), and with onStop once more at the end. Without interval it is read once,
// at the start or at the end.
type schedule struct {
	first    time.Duration // of the first reading, 0 for the interval
	interval time.Duration
	count    int
	onStop   bool
	atEnd    bool // without interval: not before the end
}

// newSchedule reads the annotations of a data source of a kind. Without an
// interval, a count of 1 means a reading at the start, and no count for a map one
// at the end, when it has everything; an iterator is read at the end only when its
// annotation requests it.
func newSchedule(kind gadgetapi.SourceKind, annotations map[string]string) (schedule, error) {
	s := schedule{onStop: annotations[gadgetapi.AnnotationIterStop] == "true"}
	if kind == gadgetapi.MapIterator {
		s.interval, s.onStop = defaultMapInterval, annotations[gadgetapi.AnnotationMapStop] == "true"
	}
	var err error
	if v := annotations[gadgetapi.AnnotationInterval]; v != "" {
		if s.interval, err = time.ParseDuration(v); err != nil || s.interval < 0 {
			return s, fmt.Errorf("annotation %s: %q is not an interval", gadgetapi.AnnotationInterval, v)
		}
	}
	if v := annotations[gadgetapi.AnnotationCount]; v != "" {
		if s.count, err = strconv.Atoi(v); err != nil || s.count < 0 {
			return s, fmt.Errorf("annotation %s: %q is not a count", gadgetapi.AnnotationCount, v)
		}
	}
	switch {
	case s.interval > 0:
		s.interval = max(s.interval, minimalArrayRefresh)
	case s.count > 1:
		return s, fmt.Errorf("%d readings need an interval above 0", s.count)
	default:
		s.atEnd = s.count == 0 && (s.onStop || kind == gadgetapi.MapIterator)
	}
	return s, nil
}

// array is a data source that is read as a whole.
type array struct {
	source int // its number, as passed to handlers
	size   int // bytes of an entry
	schedule
	fetch func() ([]byte, error)
}

// openArrays prepares the reading of every array of the plan.
func (l *Loaded) openArrays(md gadgetapi.Metadata) error {
	for i, t := range l.plan.Tables {
		a := array{source: i}
		var err error
		switch annotations := md.DataSources[t.Name].Annotations; t.Kind {
		case gadgetapi.Iterator:
			a.schedule, err = newSchedule(t.Kind, annotations)
			if err == nil {
				err = l.openIterator(&a, t)
			}
		case gadgetapi.MapIterator:
			a.schedule, err = newSchedule(t.Kind, annotations)
			d := newDrain(l.coll.Maps[t.Map], t.Value, annotations)
			a.size, a.fetch = int(t.Event.Size), d.entries
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("data source %q: %w", t.Name, err)
		}
		l.arrays = append(l.arrays, a)
	}
	return nil
}

func (l *Loaded) openIterator(a *array, t gadgetapi.Table) error {
	links, err := l.attachIters(t)
	a.size, a.fetch = int(t.Event.Size), func() ([]byte, error) { return readIters(links) }
	return err
}

func (l *Loaded) attachIters(it gadgetapi.Table) ([]*link.Iter, error) {
	var out []*link.Iter
	for _, name := range it.Programs {
		prog := l.coll.Programs[name]
		if prog == nil {
			continue // disabled
		}
		pr := l.plan.Program(name)
		ln, err := attachIterator(pr.AttachTo, prog, l.coll.Maps[pr.Map], l.where.Cgroup)
		if err != nil {
			return nil, fmt.Errorf("attaching iterator %q: %w", name, err)
		}
		l.links = append(l.links, ln)
		out = append(out, ln)
	}
	return out, nil
}

// readIters returns what all iterators write, one after the other.
func readIters(links []*link.Iter) ([]byte, error) {
	var out []byte
	for _, ln := range links {
		r, err := ln.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(r, maxIterBytes))
		r.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	return out, nil
}

// run reads the array on its schedule until ctx ends.
func (a array) run(ctx context.Context, h Handler) error {
	if a.atEnd {
		<-ctx.Done()
	}
	if a.interval == 0 {
		return a.emit(h)
	}
	first := a.interval
	if a.first > 0 {
		first = a.first
	}
	tick := time.NewTicker(first)
	defer tick.Stop()
	for n := 0; a.count == 0 || n < a.count; n++ {
		select {
		case <-ctx.Done():
			if a.onStop {
				return a.emit(h)
			}
			return nil
		case <-tick.C:
			if n == 0 {
				tick.Reset(a.interval)
			}
			if err := a.emit(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// emit reads the array once and hands its entries on.
func (a array) emit(h Handler) error {
	data, err := a.fetch()
	if err != nil {
		return fmt.Errorf("reading an array: %w", err)
	}
	if a.size == 0 || len(data)%a.size != 0 {
		return fmt.Errorf("reading an array: %d bytes are not entries of %d", len(data), a.size)
	}
	samples := make([][]byte, 0, len(data)/a.size)
	for ; len(data) > 0; data = data[a.size:] {
		samples = append(samples, data[:a.size])
	}
	h.Array(a.source, samples)
	return nil
}
