package action

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// readerPatience is how long a named pipe may have no reader.
const readerPatience = 10 * time.Second

// newFileMode is the mode of a file that was not there before.
const newFileMode = 0o644

// WriteFile writes data to path, as WriteStream does.
func WriteFile(path string, data []byte) error {
	return WriteStream(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteStream lets write fill path. A file that is not there, or is a regular
// one, is written next to path first, then renamed, so that no reader sees half of
// it and path is left as it was when write fails. Anything else, a device, a
// named pipe, is opened and written. A link is followed: what it names is written.
func WriteStream(path string, write func(io.Writer) error) error {
	dst, err := resolve(path)
	if err == nil {
		switch {
		case dst.replaceable():
			err = dst.replace(newFileMode, write)
		default:
			err = dst.fill(write)
		}
	}
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return nil
}

// WriteSecret replaces the regular file path, or makes it, with mode 0600. It
// refuses anything else, since data must be there as a whole or not at all.
func WriteSecret(path string, data []byte) error {
	dst, err := resolve(path)
	if err == nil && !dst.replaceable() {
		err = errors.New("it is not a regular file")
	}
	if err == nil {
		dst.info = nil // its mode is not kept
		err = dst.replace(0o600, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return nil
}

// destination is what a path resolves to.
type destination struct {
	path string      // after every link
	fd   int         // of this process, negative when it is none
	info fs.FileInfo // nil when nothing is there
}

// maxLinks is how many links are followed, as the kernel does.
const maxLinks = 40

// descriptorPath is what /dev/stdout and /dev/fd/3 name.
var descriptorPath = regexp.MustCompile(`^/proc/(?:self|thread-self)/fd/(\d+)$`)

// resolve follows the links at path itself.
func resolve(path string) (destination, error) {
	for range maxLinks {
		if m := descriptorPath.FindStringSubmatch(path); m != nil {
			fd, err := strconv.Atoi(m[1])
			return destination{path: path, fd: fd}, err
		}
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return destination{path: path, fd: -1}, nil
		case err != nil:
			return destination{}, err
		case info.IsDir():
			return destination{}, unix.EISDIR
		case info.Mode().Type() != fs.ModeSymlink:
			return destination{path: path, fd: -1, info: info}, nil
		}
		target, err := os.Readlink(path)
		if err != nil {
			return destination{}, err
		}
		if !filepath.IsAbs(target) {
			// The directory first: it may be a link itself.
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return destination{}, err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return destination{}, unix.ELOOP
}

// replaceable reports whether a file may take the destination's place.
func (d destination) replaceable() bool {
	return d.fd < 0 && (d.info == nil || d.info.Mode().IsRegular())
}

// replace lets write fill a file that takes the destination's place. It has the
// mode of what was there.
func (d destination) replace(mode fs.FileMode, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(d.path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if d.info != nil {
		mode = d.info.Mode().Perm()
	}
	if err := errors.Join(buffered(f, write), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), d.path)
}

// fill writes into what is there.
func (d destination) fill(write func(io.Writer) error) error {
	f, err := d.open()
	if err != nil {
		return err
	}
	return errors.Join(buffered(f, write), f.Close())
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<20)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// open opens what is not a regular file. A named pipe is waited for, until a process
// reads it.
func (d destination) open() (*os.File, error) {
	if d.fd >= 0 {
		fd, err := unix.FcntlInt(uintptr(d.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		return os.NewFile(uintptr(fd), d.path), nil
	}
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		f, err := os.OpenFile(d.path, os.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if !errors.Is(err, unix.ENXIO) || d.info.Mode().Type() != fs.ModeNamedPipe {
			return f, err
		}
		if time.Since(begin) > readerPatience {
			return nil, errors.New("the named pipe has no reader")
		}
	}
}
