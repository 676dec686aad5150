package action

import (
	"bytes"
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

// patience is how long a pipe may have no writer, and how long a
// pseudo file of the kernel that waits for events is read.
const patience = 10 * time.Second

// poll is how often the writer of a pipe and the end of the context are looked for.
const poll = 50 * time.Millisecond

// nullDevice is the one device that is read: it is an empty file.
var nullDevice = unix.Mkdev(1, 3)

// Open opens a regular file for reading. All files that users name are opened by
// it or by OpenInput, which never wait in open(2): a directory, a socket, a named
// pipe or a device (but /dev/null) is an error.
func Open(path string) (*os.File, error) {
	f, info, err := openNow(path)
	if err == nil && isPipe(info) {
		return nil, errors.Join(kindError(path, "a pipe"), f.Close())
	}
	return f, err
}

// OpenInput is Open for a file that is read once, from its begin to its end. It
// may be a pipe, whose writer is waited for. When ctx ends, so do waiting and
// reading.
func OpenInput(ctx context.Context, path string) (*os.File, error) {
	f, info, err := openNow(path)
	if err != nil || !isPipe(info) {
		return f, err
	}
	if err := awaitWriter(ctx, f); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %q: %w", path, err), f.Close())
	}
	return f, nil
}

// ReadFile returns the content of the file at path, which Open opens and which
// may have at most limit bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadOpen(f, limit)
}

// ReadInput is ReadFile for what OpenInput opens.
func ReadInput(ctx context.Context, path string, limit int64) ([]byte, error) {
	f, err := OpenInput(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := ReadOpen(f, limit)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("reading %q: %w", path, context.Cause(ctx))
	}
	return data, err
}

// ReadOpen returns what is left of an open file, which may grow meanwhile or be a
// pipe: at most limit bytes.
func ReadOpen(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if size := info.Size(); size <= limit {
		data.Grow(int(size) + bytes.MinRead)
		_, err = data.ReadFrom(io.LimitReader(f, limit+1))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %q: %w", f.Name(), err)
	case info.Size() > limit || int64(data.Len()) > limit:
		return nil, fmt.Errorf("reading %q: more than %d bytes", f.Name(), limit)
	}
	return data.Bytes(), nil
}

// openNow opens path when it is of a kind that can be read. The kind is looked
// at before, since opening a device may do something, and after.
func openNow(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = readable(path, info)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = readable(path, info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	if !isPipe(info) {
		_ = f.SetReadDeadline(time.Now().Add(patience)) // holds for pseudo files that wait; others know none
	}
	return f, info, nil
}

func isPipe(info fs.FileInfo) bool { return info.Mode().Type() == fs.ModeNamedPipe }

// readable returns an error for what is neither a regular file nor a pipe.
func readable(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular() || isPipe(info):
		return nil
	case mode.IsDir():
		return kindError(path, "a directory")
	case mode.Type() == fs.ModeSocket:
		return kindError(path, "a socket")
	case mode&fs.ModeDevice != 0:
		if st, ok := info.Sys().(*syscall.Stat_t); ok && mode&fs.ModeCharDevice != 0 && st.Rdev == nullDevice {
			return nil
		}
		return kindError(path, "a device")
	}
	return kindError(path, "of an unknown kind")
}

func kindError(path, kind string) error {
	return fmt.Errorf("opening %q: it is %s, not a file", path, kind)
}

// awaitWriter waits until a pipe has data or had a writer: a read before would be
// notified that the pipe is at its end. Later reads end with ctx.
func awaitWriter(ctx context.Context, f *os.File) error {
	context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	raw, err := f.SyscallConn() // Fd would make the file a blocking one
	if err != nil {
		return err
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for begin := time.Now(); ; {
		written := false
		if err := raw.Control(func(fd uintptr) { written = hasWriter(int(fd)) }); err != nil || written {
			return err
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("the pipe had no writer for %s", patience)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// hasWriter reports whether a pipe has data, or a writer, or had one.
func hasWriter(pipe int) bool {
	if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(pipe), Events: unix.POLLIN}}, 0); n > 0 {
		return true
	}
	// An empty pipe with a writer is distinguished from one without by an attempt to
	// copy from it, which takes nothing out.
	var to [2]int
	if err := unix.Pipe2(to[:], unix.O_CLOEXEC); err != nil {
		return false
	}
	defer unix.Close(to[0])
	defer unix.Close(to[1])
	n, err := unix.Tee(pipe, to[1], 1, unix.SPLICE_F_NONBLOCK)
	return n > 0 || errors.Is(err, unix.EAGAIN)
}

// UntilDone returns a reader of r, which may be a terminal or a pipe, whose reads
// end with ctx. What a read that was given up gets later is lost.
func UntilDone(ctx context.Context, r io.Reader) io.Reader {
	return &untilDone{ctx: ctx, r: r}
}

type untilDone struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (u *untilDone) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	buf := make([]byte, len(p))
	done := make(chan result, 1)
	go func() {
		n, err := u.r.Read(buf)
		done <- result{n, err}
	}()
	select {
	case <-u.ctx.Done():
		return 0, context.Cause(u.ctx)
	case got := <-done:
		return copy(p, buf[:got.n]), got.err
	}
}
