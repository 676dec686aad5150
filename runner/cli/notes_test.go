package cli

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNotesNeverWait(t *testing.T) {
	w := &stuckWriter{started: make(chan struct{}), read: make(chan struct{})}
	n := NewNotes(w)
	_, _ = n.Write([]byte("first\n"))
	<-w.started // what follows waits
	line := strings.Repeat("x", 1000) + "\n"
	fit := maxNotes / len(line)
	for range fit + 7 {
		if _, err := n.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	n.Flush(time.Millisecond)
	close(w.read)
	n.Flush(time.Minute)
	_, _ = n.Write([]byte("last\n"))
	n.Close(time.Minute)
	want := "first\n" + strings.Repeat(line, fit) + "gadget-run: 7 lines were dropped here, stderr was not read\nlast\n"
	if got := w.text.String(); got != want {
		t.Errorf("%d bytes were written, want %d; the end is %q", len(got), len(want), got[max(0, len(got)-100):])
	}
}

// stuckWriter takes nothing until read is closed.
type stuckWriter struct {
	started, read chan struct{}
	once          sync.Once
	text          bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.started) })
	<-w.read
	return w.text.Write(p)
}
