package runcmd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// firstFreeFD is the first file descriptor that is not a standard stream.
const firstFreeFD = 3

// notifyGrace is how long the service manager may take to accept a message, and
// readyGrace is how long a process that waits for the gadget may delay the end of the run.
const (
	notifyGrace = time.Second
	readyGrace  = 100 * time.Millisecond
)

// readiness notifies those who wait that every program is attached: a person on
// stderr, a script on a file descriptor, a service manager on its socket.
type readiness struct {
	file     *os.File // of --ready-fd, nil without
	socket   string   // of the service manager, empty without
	reported chan struct{}
}

// openReadiness checks the file descriptor fd, 0 for none. The process must have
// been started with it: one that it opened itself closes when a program is
// executed, and belongs to that program.
func openReadiness(fd int, getenv func(string) string) (*readiness, error) {
	r := &readiness{socket: getenv("NOTIFY_SOCKET")}
	if fd == 0 {
		return r, nil
	}
	if fd < firstFreeFD {
		return nil, fmt.Errorf("--ready-fd %d: it is a standard stream, use a number from %d on", fd, firstFreeFD)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, fmt.Errorf("--ready-fd %d: no such file descriptor was passed, open it as in %d>ready", fd, fd)
	}
	unix.CloseOnExec(fd)
	r.file = os.NewFile(uintptr(fd), "--ready-fd")
	return r, nil
}

// notify writes one line to the file descriptor and closes it, and sends the
// service manager its message. A process that does not read delays nothing: the
// caller does not wait for it. failed is called with what did not work.
func (r *readiness) notify(failed func(format string, args ...any)) {
	var both sync.WaitGroup
	both.Go(func() {
		if err := r.write(); err != nil {
			failed("writing to --ready-fd: %v", err)
		}
	})
	both.Go(func() {
		if err := notify(r.socket); err != nil {
			failed("notifying the service manager: %v", err)
		}
	})
	r.reported = make(chan struct{})
	go func() {
		both.Wait()
		close(r.reported)
	}()
}

// finish lets what notify began be done, for at most readyGrace.
func (r *readiness) finish() {
	select {
	case <-r.reported:
	case <-time.After(readyGrace):
	}
}

func (r *readiness) write() error {
	if r.file == nil {
		return nil
	}
	_, err := r.file.WriteString("ready\n")
	return errors.Join(err, r.file.Close())
}

// notify sends "READY=1" to a service manager that listens on socket, as
// sd_notify(3) does. It does nothing without one.
func notify(socket string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(notifyGrace)); err != nil {
		return err
	}
	_, err = conn.Write([]byte("READY=1"))
	return err
}

// programsText reports how many programs are attached, and how many were skipped.
func programsText(attached, skipped int) string {
	text := plural(attached, "program") + " attached"
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text
}

// plural returns "1 program", "2 programs".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
