package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// The annotations of a data source that say when an array is read.
const (
	annotationInterval  = "fetch-interval"
	annotationCount     = "fetch-count"
	annotationIterStop  = "ebpf.iter.fetch-on-stop"
	annotationMapStop   = "ebpf.map.flush-on-stop"
	defaultMapInterval  = time.Second
	maxIterBytes        = 256 << 20 // of one reading of an iterator
	minimalArrayRefresh = 10 * time.Millisecond
)

// schedule says when an array is read: every interval, count times (0 for
// ever), and once more at the end. Without interval it is read once.
type schedule struct {
	first    time.Duration // of the first reading, 0 for the interval
	interval time.Duration
	count    int
	onStop   bool
}

// newSchedule reads the annotations of a data source.
func newSchedule(annotations map[string]string, interval time.Duration, stopKey string) (schedule, error) {
	s := schedule{interval: interval, onStop: annotations[stopKey] == "true"}
	var err error
	if v := annotations[annotationInterval]; v != "" {
		if s.interval, err = time.ParseDuration(v); err != nil || s.interval < 0 {
			return s, fmt.Errorf("annotation %s: %q is not an interval", annotationInterval, v)
		}
	}
	if v := annotations[annotationCount]; v != "" {
		if s.count, err = strconv.Atoi(v); err != nil || s.count < 0 {
			return s, fmt.Errorf("annotation %s: %q is not a count", annotationCount, v)
		}
	}
	if s.interval > 0 {
		s.interval = max(s.interval, minimalArrayRefresh)
	}
	return s, nil
}

// array is a data source that is read as a whole.
type array struct {
	source int // its number, as handlers know it
	size   int // bytes of an entry
	schedule
	fetch func() ([]byte, error)
}

// openArrays prepares the reading of every array of the plan.
func (l *Loaded) openArrays(md Metadata) error {
	for _, it := range l.plan.Iters {
		s, err := newSchedule(md.DataSources[it.Name].Annotations, 0, annotationIterStop)
		if err != nil {
			return fmt.Errorf("data source %q: %w", it.Name, err)
		}
		links, err := l.attachIters(it)
		if err != nil {
			return err
		}
		l.addArray(int(it.Event.Size), s, func() ([]byte, error) { return readIters(links) })
	}
	for _, it := range l.plan.MapIters {
		s, err := newSchedule(md.DataSources[it.Name].Annotations, defaultMapInterval, annotationMapStop)
		if err != nil {
			return fmt.Errorf("data source %q: %w", it.Name, err)
		}
		m := l.coll.Maps[it.Map]
		l.addArray(int(it.Key.Size+it.Value.Size), s, func() ([]byte, error) { return drainMap(m) })
	}
	return nil
}

func (l *Loaded) addArray(size int, s schedule, fetch func() ([]byte, error)) {
	source := len(l.plan.Tracers) + len(l.arrays)
	l.arrays = append(l.arrays, array{source: source, size: size, schedule: s, fetch: fetch})
}

func (l *Loaded) attachIters(it Iter) ([]*link.Iter, error) {
	var out []*link.Iter
	for _, name := range it.Programs {
		prog := l.coll.Programs[name]
		if prog == nil {
			continue // disabled
		}
		ln, err := link.AttachIter(link.IterOptions{Program: prog, Map: l.coll.Maps[l.plan.targetMap(name)]})
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

// drainMap removes every entry of m and returns keys and values in turn.
func drainMap(m *ebpf.Map) ([]byte, error) {
	var out []byte
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	for range m.MaxEntries() {
		err := m.NextKey(nil, &key)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return out, err
		}
		err = m.LookupAndDelete(key, &value)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue // a program was faster
		}
		if errors.Is(err, ebpf.ErrNotSupported) {
			err = lookupThenDelete(m, key, &value)
		}
		if err != nil {
			return out, err
		}
		out = append(append(out, key...), value...)
	}
	return out, nil
}

// lookupThenDelete is for kernels before 5.14, where hash maps cannot do both
// at once; what a program adds between the two is lost.
func lookupThenDelete(m *ebpf.Map, key []byte, value *[]byte) error {
	if err := m.Lookup(key, value); err != nil {
		return err
	}
	return m.Delete(key)
}

// run reads the array on its schedule until ctx ends.
func (a array) run(ctx context.Context, h Handler) error {
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
