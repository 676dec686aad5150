package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// DrainGrace is how long Run waits, after everything is detached, for events
// that are still in the buffers to be handled.
const DrainGrace = time.Second

// lostInterval is how often the counters of lost events are read.
const lostInterval = time.Second

// Handler receives what a gadget emits. Event is never called twice at the same
// time for one source; everything else may be called at any time.
type Handler interface {
	// Event receives one event of tracer number source. sample has the size of a
	// record of that source, with the bytes after the event where they are requested
	// (gadgetapi.Rest), and is valid until Event returns.
	Event(source int, sample []byte)
	// Lost is called when n more events of tracer number source were lost.
	Lost(source int, n uint64)
	// Array receives the entries of source number source, as gadgetapi.Spec
	// numbers them; they are the handler's.
	Array(source int, samples [][]byte)
}

// Run attaches the gadget and hands its events to h until ctx ends, or until a
// gadget that only has arrays has given them all; attached is called once
// everything is attached. At the end Run first detaches, whatever h is doing,
// and gives h DrainGrace to handle what is in the buffers.
func (l *Loaded) Run(ctx context.Context, h Handler, attached func()) error {
	readers := newReadLoop(l, h)
	readers.start()
	defer l.followOwners(ctx)()
	defer l.followFeeds(h)()
	if err := l.Attach(); err != nil {
		readers.stop()
		return err
	}
	attached()
	arrays := l.runArrays(ctx, h)
	err := l.wait(ctx, readers, arrays)
	err = errors.Join(err, l.finishArrays(ctx, h, arrays), l.Detach())
	readers.stop()
	readers.pollLost()
	l.reading = readers
	return err
}

// Drain waits, for at most DrainGrace, until the handler has been given what is
// left in the buffers: after Run, when the handler no longer waits.
func (l *Loaded) Drain() {
	if l.reading == nil {
		return
	}
	select {
	case <-l.reading.done:
	case <-time.After(DrainGrace):
	}
	l.reading.pollLost()
}

// runArrays reads every array on its schedule. The channel gets the error of
// the first that fails, or nil when all have ended.
func (l *Loaded) runArrays(ctx context.Context, h Handler) <-chan error {
	if len(l.arrays) == 0 {
		return nil
	}
	done := make(chan error, 1)
	var group errgroup.Group
	for _, a := range l.arrays {
		fetch := a.fetch
		a.fetch = func() ([]byte, error) {
			l.fetching.Add(1)
			defer l.fetching.Add(-1)
			return fetch()
		}
		group.Go(func() error { return a.run(ctx, h) })
	}
	go func() { done <- group.Wait() }()
	return done
}

// A worker is a Handler that takes time for what it is given. Busy reports whether
// it is at work, rather than held up by a reader of the output.
type worker interface{ Busy() bool }

// The end of a run waits for the kernel and for a worker as long as they are busy,
// and for another handler, who may be held up by a reader of the output, for DrainGrace.
const (
	fetchGrace = 30 * time.Second
	fetchPoll  = 20 * time.Millisecond
)

// finishArrays gives arrays that are read at the end the time for it: a large map
// takes seconds on a slow machine.
func (l *Loaded) finishArrays(ctx context.Context, h Handler, done <-chan error) error {
	if done == nil || ctx.Err() == nil {
		return nil
	}
	start := time.Now()
	busy := func() bool { return false }
	if w, ok := h.(worker); ok {
		busy = w.Busy
	}
	for held := time.Duration(0); held < DrainGrace; held += fetchPoll {
		select {
		case err := <-done:
			return err
		case <-time.After(fetchPoll):
		}
		if (l.fetching.Load() > 0 || busy()) && time.Since(start) < fetchGrace {
			held = 0
		}
	}
	return nil
}

// wait returns when ctx ends, with the error that ended a reader, or when the
// arrays have ended and nothing else is left to wait for.
func (l *Loaded) wait(ctx context.Context, r *readLoop, arrays <-chan error) error {
	tick := time.NewTicker(lostInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-arrays:
			if err != nil || len(l.readers) == 0 && !l.follows {
				return err
			}
			arrays = nil
		case err := <-r.failed:
			return err
		case <-tick.C:
			r.pollLost()
		}
	}
}

// readLoop owns one goroutine for each tracer.
type readLoop struct {
	l      *Loaded
	h      Handler
	failed chan error
	done   chan struct{} // closed when every goroutine has ended
	lost   []uint64      // the last values of the lost maps
}

func newReadLoop(l *Loaded, h Handler) *readLoop {
	n := len(l.readers)
	return &readLoop{
		l: l, h: h, failed: make(chan error, n), done: make(chan struct{}),
		lost: make([]uint64, len(l.plan.Tables)),
	}
}

func (r *readLoop) start() {
	var wg sync.WaitGroup
	for i := range r.l.readers {
		wg.Go(func() { r.read(i) })
	}
	go func() {
		wg.Wait()
		close(r.done)
	}()
}

// stop has the goroutines read what is left and end, and waits DrainGrace
// for them: a handler that is stuck in a blocked output must not hold us.
func (r *readLoop) stop() {
	for _, rd := range r.l.readers {
		_ = rd.Flush()
	}
	select {
	case <-r.done:
	case <-time.After(DrainGrace):
	}
}

func (r *readLoop) read(i int) {
	rd := r.l.readers[i]
	record := recordOf(r.l.plan.Tables[i].Event.Size, r.l.rests[i])
	for {
		sample, lost, err := rd.Next()
		if errors.Is(err, errDrained) {
			return
		}
		if err != nil {
			r.failed <- fmt.Errorf("reading events of %q: %w", r.l.plan.Tables[i].Name, err)
			return
		}
		if lost > 0 {
			r.h.Lost(i, lost)
			continue
		}
		if len(sample) == 0 {
			continue
		}
		r.h.Event(i, record(sample))
	}
}

// recordOf returns what makes records of samples: cut or padded with zeros to the
// size of the event, and with rest, what is after the event. A record is valid
// until the next one is made.
func recordOf(size uint32, rest *gadgetapi.Rest) func(sample []byte) []byte {
	var buf []byte
	fit := func(sample []byte, size uint32) []byte {
		buf = append(buf[:0], sample[:min(len(sample), int(size))]...)
		return append(buf, make([]byte, int(size)-len(buf))...)
	}
	if rest == nil {
		return func(sample []byte) []byte {
			if len(sample) >= int(size) {
				return sample[:size]
			}
			buf = fit(sample, size)
			return buf
		}
	}
	slot := gadgetapi.RestSlot(size)
	return func(sample []byte) []byte {
		tail := rest.Of(sample)
		buf = fit(sample[:min(len(sample), int(size))], slot+gadgetapi.RestSlotSize)
		binary.NativeEndian.PutUint32(buf[slot:], uint32(len(tail)))
		buf = append(buf, tail...)
		return buf
	}
}

// pollLost reports what the lost maps counted since the last call.
func (r *readLoop) pollLost() {
	for i, t := range r.l.plan.Tables {
		if t.LostMap == "" {
			continue
		}
		total, err := sumPerCPU(r.l.coll.Maps[t.LostMap])
		if err != nil {
			continue
		}
		if n := total - r.lost[i]; n > 0 {
			r.lost[i] = total
			r.h.Lost(i, n)
		}
	}
}

// sumPerCPU returns the sum over the CPUs of the one counter that m holds.
func sumPerCPU(m *ebpf.Map) (uint64, error) {
	var values []uint64
	if err := m.Lookup(uint32(0), &values); err != nil {
		return 0, fmt.Errorf("reading lost samples: %w", err)
	}
	var sum uint64
	for _, v := range values {
		sum += v
	}
	return sum, nil
}
