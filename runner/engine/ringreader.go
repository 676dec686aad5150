package engine

import (
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

const (
	// maxDelay is how long an event may wait for others.
	maxDelay = 50 * time.Millisecond
	// busyGap is the time between two wake-ups from which on events are waited for
	// together.
	busyGap = 10 * time.Millisecond
	// fewEvents in maxDelay are waited for one by one.
	fewEvents = 2
	// burst is the rate, in events a second, at which a buffer must not get full
	// while its reader sleeps.
	burst = 400_000
	// minSleep is the shortest time that is worth sleeping.
	minSleep = 200 * time.Microsecond
)

// pace is how a ringReader waits.
type pace int

const (
	// single: each event that finds the buffer empty wakes the reader.
	single pace = iota
	// together: the programs wake the reader when a part of the buffer is full, else
	// it looks every maxDelay. Programs without batched wake it for each event,
	// so it sleeps for a moment before it waits.
	together
	// ending: as single, but what was written before the programs knew it is looked
	// for once more.
	ending
)

// ringReader reads a ring buffer: event by event while they are few, so that each
// is shown at once, and many at a time when they are many, since waking a process
// takes longer than handling an event.
type ringReader struct {
	*ringbuf.Reader
	rec     ringbuf.Record
	batched *ebpf.Variable // of the programs, nil when they have none
	pace    pace
	drained time.Time // when what was read last had been read
	fresh   bool      // something has been read since
	events  int       // since the last deadline
}

func newRingReader(r *ringbuf.Reader, batched *ebpf.Variable) *ringReader {
	if batched != nil && (batched.Size() != 4 || batched.Set(uint32(0)) != nil) {
		batched = nil
	}
	return &ringReader{Reader: r, batched: batched}
}

// Next implements sampleReader.
func (r *ringReader) Next() ([]byte, uint64, error) {
	for {
		if r.rec.Remaining == 0 {
			r.empty()
		}
		err := r.ReadInto(&r.rec)
		switch {
		case err == nil:
			r.events++
			r.fresh = true
			return r.rec.RawSample, 0, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.expired()
		case errors.Is(err, ringbuf.ErrFlushed), errors.Is(err, ringbuf.ErrClosed):
			return nil, 0, errDrained
		default:
			return nil, 0, err
		}
	}
}

// empty prepares for waiting.
func (r *ringReader) empty() {
	now := time.Now()
	if r.fresh {
		if r.pace != together && now.Sub(r.drained) < busyGap {
			r.enter(together)
		}
		r.fresh, r.drained = false, now
	}
	switch {
	case r.pace == single:
	case r.pace == together && r.batched == nil:
		time.Sleep(r.sleep())
		fallthrough
	default:
		r.SetDeadline(now.Add(maxDelay))
	}
}

// sleep returns how long the reader may leave the buffer alone: half of it must
// last for a burst of events like the last one.
func (r *ringReader) sleep() time.Duration {
	record := max(len(r.rec.RawSample), 8) + ringHeader
	d := time.Duration(r.BufferSize()) * time.Second / time.Duration(2*record*burst)
	return min(max(d, minSleep), maxDelay/2)
}

// ringHeader are the bytes before a record.
const ringHeader = 8

// expired is called when no event woke the reader for maxDelay, after what was
// there has been read.
func (r *ringReader) expired() {
	quiet := r.events <= fewEvents
	r.events = 0
	switch {
	case r.pace == ending:
		r.enter(single)
	case quiet:
		r.enter(ending)
	}
}

func (r *ringReader) enter(p pace) {
	r.pace, r.events = p, 0
	if p == single {
		r.SetDeadline(time.Time{})
	}
	if r.batched == nil {
		return
	}
	value := uint32(0)
	if p == together {
		value = 1
	}
	if r.batched.Set(value) != nil {
		r.batched = nil // without it events wake the reader, or wait for maxDelay
	}
}
