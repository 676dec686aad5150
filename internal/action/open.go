package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writerPatience is how long a named pipe may be silent before ReadFile gives up.
const writerPatience = 10 * time.Second

// pollMillis is how often, in milliseconds, the end of the context is looked for.
const pollMillis = 50

// nullDevice is the one device that is read: it stands for nothing.
var nullDevice = unix.Mkdev(1, 3)

// Open opens a file that a user named, for reading. It never waits in open(2): a
// directory, a socket or a device (but /dev/null) is an error, and a named pipe
// is waited for until somebody writes to it. When ctx ends, so do waiting and
// reading.
func Open(ctx context.Context, path string) (*os.File, error) {
	f, err := openNow(path)
	if err != nil {
		return nil, err
	}
	if err := awaitWriter(ctx, f); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %q: %w", path, err), f.Close())
	}
	return f, nil
}

// ReadFile returns the content of the file at path, which may have at most
// limit bytes. It opens the file as Open does, and waits 10 seconds for
// whoever writes to a named pipe.
func ReadFile(path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), writerPatience, errors.New("nobody writes to the named pipe"))
	defer cancel()
	f, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %q: more than %d bytes", path, limit)
	}
	return data, nil
}

// openNow opens path when it is of a kind that can be read. The kind is looked
// at before, since opening a device may do something, and after.
func openNow(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = readable(path, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = readable(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readable returns an error for what is neither a regular file nor a pipe.
func readable(path string, info fs.FileInfo) error {
	kind := "an unknown kind of file"
	switch mode := info.Mode(); {
	case mode.IsRegular() || mode.Type() == fs.ModeNamedPipe:
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode.Type() == fs.ModeSocket:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		if st, ok := info.Sys().(*syscall.Stat_t); ok && mode&fs.ModeCharDevice != 0 && st.Rdev == nullDevice {
			return nil
		}
		kind = "a device"
	}
	return fmt.Errorf("opening %q: it is %s, not a file", path, kind)
}

// awaitWriter waits until a pipe has data or its writer has gone: a read before
// would be told that the pipe is at its end. Reads end with ctx.
func awaitWriter(ctx context.Context, f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		return err
	}
	raw, err := f.SyscallConn() // Fd would make the file a blocking one
	if err != nil {
		return err
	}
	var n int
	for n == 0 && err == nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = raw.Control(func(fd uintptr) { n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, pollMillis) })
	}
	context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	return err
}
