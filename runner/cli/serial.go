package cli

import (
	"io"
	"sync"
)

// serial is a writer for several goroutines.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

// serialTerminal is a serial before a file, which may be a terminal.
type serialTerminal struct {
	serial
	descriptor
}

// Serial returns a writer for several goroutines: one write reaches w at a time. It
// is a terminal when w is one.
func Serial(w io.Writer) io.Writer {
	if f, ok := w.(descriptor); ok {
		return &serialTerminal{serial{w: w}, f}
	}
	return &serial{w: w}
}

// Write implements io.Writer.
func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
