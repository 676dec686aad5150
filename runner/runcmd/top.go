package runcmd

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// keyPoll is how long the reader of keys waits before it looks whether the run
// has ended, in milliseconds.
const keyPoll = 100

// screenSize returns how to ask for the size of the terminal that the run has for
// its output and its keys, nil unless both are one that shows a live table.
func (s *session) screenSize() func() (width, height int) {
	in, ok := s.g.Stdin.(*os.File)
	if !ok || terminalWidth(s.g.Stdout) == 0 || !cli.IsScreen(s.g.Stdout) || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	out := s.g.Stdout.(*os.File) // which terminalWidth knows
	return func() (width, height int) {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	}
}

// readKeys hands the keys of the terminal to a live table, if there is one, until
// the returned function is called. The key to leave cancels the run.
func (s *session) readKeys(ev *events, cancel context.CancelCauseFunc) (stop func()) {
	for i := range ev.parts {
		p := &ev.parts[i]
		if top, ok := p.encoder.(*output.Top); ok {
			return watchKeys(s.g.Stdin.(*os.File), func(keys []byte) {
				if len(keys) == 0 && !top.Stale() {
					return
				}
				if top.Key(keys) {
					cancel(nil)
				}
				ev.sink.Append(i, 0, func(dst []byte) []byte { return top.Redraw(p.header(dst)) })
			})
		}
	}
	return func() {}
}

// watchKeys calls pressed with what is typed at f, one key at a time, and with nothing
// every keyPoll, until the
// returned function is called, which leaves the terminal as it was. Ctrl-C stays a
// signal.
func watchKeys(f *os.File, pressed func(keys []byte)) (stop func()) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	keys := *before
	keys.Lflag &^= unix.ICANON | unix.ECHO
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &keys); err != nil {
		return func() {}
	}
	ended, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		pollKeys(fd, quit, pressed)
	}()
	return func() {
		close(quit)
		<-ended
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before) // the terminal may be gone
	}
}

// pollKeys reads keys until quit is closed or the terminal is gone.
func pollKeys(fd int, quit <-chan struct{}, pressed func(keys []byte)) {
	buf := make([]byte, 64)
	for {
		select {
		case <-quit:
			return
		default:
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, keyPoll)
		if err == unix.EINTR || err == nil && n == 0 {
			pressed(nil)
			continue
		}
		if err != nil {
			return
		}
		if n, err = unix.Read(fd, buf); err != nil || n <= 0 {
			return
		}
		pressed(buf[:n])
	}
}
