// Package output turns the events of a data source into columns, JSON or YAML
// and writes them without ever blocking the goroutine that stops the gadget.
package output

import (
	"io"
	"sync"
	"time"
)

// maxPending is how many bytes may wait for a slow reader of the output before
// the writers of events are held up; the kernel then counts events as lost.
const maxPending = 4 << 20

// eventRoom is the room that a buffer has for one more event; a larger one lets it
// grow.
const eventRoom = 64 << 10

// Sink is a buffered writer with a goroutine of its own. While that goroutine
// writes one buffer, events gather in another, so that a fast source makes few
// large writes and a slow one is seen at once.
type Sink struct {
	w    io.Writer
	done chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	changed *sync.Cond // signals every change of the fields below
	pending []byte
	waiting counts // events in pending
	spare   []byte
	inWrite counts // events in what the goroutine is writing now
	written counts
	writing int   // bytes that the goroutine is writing now
	closing bool  // no more events, write what is pending
	dropped bool  // goroutines that wait to append give up
	err     error // of the first write that did not work
	onError func(error)
}

// NewSink returns a Sink that writes to w. onError, which may be nil, is called
// once when writing fails.
func NewSink(w io.Writer, onError func(error)) *Sink {
	s := &Sink{w: w, done: make(chan struct{}), onError: onError}
	s.changed = sync.NewCond(&s.mu)
	go s.write()
	return s
}

// Append lets fn append n events of a source to the buffer, and reports whether it
// did. It waits while too much is pending, and does nothing once the Sink has
// failed or is closed.
func (s *Sink) Append(source int, n uint64, fn func(dst []byte) []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pending) >= maxPending && !s.dropped && s.err == nil {
		s.changed.Wait()
	}
	if s.dropped || s.closing || s.err != nil {
		return false
	}
	s.makeRoom()
	s.pending = fn(s.pending)
	s.waiting.add(source, n)
	s.changed.Broadcast()
	return true
}

// makeRoom gives a buffer that is full all the room that it may need, of which the
// kernel gives what is used. Growing step by step would leave five times as much to
// the collector, which does not run while events take no memory.
func (s *Sink) makeRoom() {
	if cap(s.pending)-len(s.pending) < eventRoom {
		s.pending = append(make([]byte, 0, maxPending+eventRoom), s.pending...)
	}
}

// Written returns how many events of a source were written to the output.
// Those of a write that has not ended, or failed, do not count.
func (s *Sink) Written(source int) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.of(source)
}

// counts are numbers of events by source.
type counts []uint64

func (c *counts) add(source int, n uint64) {
	for len(*c) <= source {
		*c = append(*c, 0)
	}
	(*c)[source] += n
}

func (c counts) of(source int) uint64 {
	if source < len(c) {
		return c[source]
	}
	return 0
}

// AppendLast is Append for what follows all events: it does not wait for a
// slow reader, which Close does.
func (s *Sink) AppendLast(fn func(dst []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped || s.closing || s.err != nil {
		return
	}
	s.pending = fn(s.pending)
	s.changed.Broadcast()
}

// Close lets what is pending be written, for at most grace, and returns the
// error of writing. Appends that wait are let go at once.
func (s *Sink) Close(grace time.Duration) error {
	s.mu.Lock()
	s.closing = true
	s.changed.Broadcast()
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(grace):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	s.changed.Broadcast()
	return s.err
}

// Unwritten returns how many bytes have not been written yet: after Close, those
// that a blocked reader did not take.
func (s *Sink) Unwritten() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending) + s.writing
}

func (s *Sink) write() {
	defer close(s.done)
	for {
		buf, ok := s.take()
		if !ok {
			return
		}
		_, err := s.w.Write(buf)
		if !s.give(buf, err) {
			return
		}
	}
}

// take returns the pending bytes once there are some, false at the end.
func (s *Sink) take() ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pending) == 0 {
		if s.closing {
			return nil, false
		}
		s.changed.Wait()
	}
	buf := s.pending
	s.pending, s.spare, s.writing = s.spare, nil, len(buf)
	s.waiting, s.inWrite = s.inWrite[:0], s.waiting
	s.changed.Broadcast()
	return buf, true
}

// give takes the written buffer back for reuse and reports whether to continue.
func (s *Sink) give(buf []byte, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare, s.writing = buf[:0], 0
	if err == nil {
		for source, n := range s.inWrite {
			s.written.add(source, n)
		}
		return true
	}
	s.err = err
	s.changed.Broadcast()
	if s.onError != nil {
		s.onError(err)
	}
	return false
}
