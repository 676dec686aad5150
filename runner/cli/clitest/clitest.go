// Package clitest has what tests of commands write to and read from: terminals, and
// buffers that are read while they are written.
package clitest

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal opens a pseudo terminal of 24 lines and that many columns. What is typed is
// written to user, which also reads what the screen shows; terminal is what a command
// has for its standard streams. Only user is closed at the end of the test: a
// command that was interrupted may still be reading from the terminal.
func Terminal(t testing.TB, columns int) (user, terminal *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	fd := int(user.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	size := unix.Winsize{Row: 24, Col: uint16(columns)}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return user, terminal
}

// Screen keeps what is written to it and looks like a terminal.
type Screen struct {
	bytes.Buffer
	terminal *os.File
}

// NewScreen returns a Screen of that many columns.
func NewScreen(t testing.TB, columns int) *Screen {
	t.Helper()
	_, terminal := Terminal(t, columns)
	return &Screen{terminal: terminal}
}

// Fd returns the descriptor of the terminal.
func (s *Screen) Fd() uintptr { return s.terminal.Fd() }

// Buffer is a buffer that is read while it is written.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
