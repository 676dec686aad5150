package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestNotesNeverWait(t *testing.T) {
	r, w := io.Pipe() // no reader yet
	n := NewNotes(w)
	line := strings.Repeat("x", 1000) + "\n"
	for range 3 * maxNotes / len(line) { // twice that fits where the goroutine takes it late
		if _, err := n.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	n.Flush(time.Millisecond)
	var read bytes.Buffer
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(&read, r) }()
	n.Flush(time.Minute)
	_, _ = n.Write([]byte("last\n"))
	n.Close(time.Minute)
	w.Close()
	<-done
	text := read.String()
	if !strings.HasSuffix(text, "stderr was not read\nlast\n") {
		t.Errorf("the end is %q", text[max(0, len(text)-100):])
	}
	if got := strings.Count(text, line); got < maxNotes/len(line)/2 || got > 2*maxNotes/len(line) {
		t.Errorf("%d lines were written", got)
	}
}
