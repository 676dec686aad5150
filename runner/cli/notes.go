package cli

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxNotes is how many bytes of notes may wait for a reader of stderr that does
// not read; what comes then is dropped and counted.
const maxNotes = 256 << 10

// Notes is a writer that never waits: a goroutine of its own writes what it is
// given. A writer to a terminal that hangs, or to a pipe that is not read,
// would otherwise be held, and with it whatever only it can end.
type Notes struct {
	w io.Writer

	mu      sync.Mutex
	changed *sync.Cond
	pending []byte
	busy    bool // whether the goroutine is writing
	closed  bool // whether the goroutine ends when all is written
	dropped int  // lines since the last one that was taken
}

// NewNotes returns Notes that write to w. Close them.
func NewNotes(w io.Writer) *Notes {
	n := &Notes{w: w}
	n.changed = sync.NewCond(&n.mu)
	go n.write()
	return n
}

// Write takes p, or drops it when too much waits. It never fails.
func (n *Notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.pending)+len(p) > maxNotes {
		n.dropped += max(1, bytes.Count(p, []byte("\n")))
		return len(p), nil
	}
	if n.dropped > 0 {
		n.pending = fmt.Appendf(n.pending, "gadget-run: %d lines were dropped here, stderr was not read\n", n.dropped)
		n.dropped = 0
	}
	n.pending = append(n.pending, p...)
	n.changed.Broadcast()
	return len(p), nil
}

// Fd returns the file descriptor of what Notes write to, for callers that test whether
// it is a terminal.
func (n *Notes) Fd() uintptr {
	if f, ok := n.w.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Flush waits until everything is written, for at most grace.
func (n *Notes) Flush(grace time.Duration) {
	done := make(chan struct{})
	go func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for n.busy || len(n.pending) > 0 {
			n.changed.Wait()
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(grace):
	}
}

// Close is Flush, after which nothing more is taken. The goroutine ends as soon as
// its last write does.
func (n *Notes) Close(grace time.Duration) {
	n.mu.Lock()
	n.closed = true
	n.changed.Broadcast()
	n.mu.Unlock()
	n.Flush(grace)
}

func (n *Notes) write() {
	var buf []byte
	for {
		n.mu.Lock()
		for len(n.pending) == 0 && !n.closed {
			n.changed.Wait()
		}
		if len(n.pending) == 0 {
			n.mu.Unlock()
			return
		}
		buf, n.pending, n.busy = n.pending, buf[:0], true
		n.mu.Unlock()
		_, _ = n.w.Write(buf)
		n.mu.Lock()
		n.busy = false
		n.changed.Broadcast()
		n.mu.Unlock()
	}
}
