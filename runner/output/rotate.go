package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Rotation specifies when a new file of lines begins.
type Rotation struct {
	// MaxSize is how many bytes the file has at most, 0 for any number. A line
	// that is longer has a file of its own.
	MaxSize int64
	// Keep is how many older files stay, as PATH.1 (the newest) to PATH.N.
	Keep int
}

// RotatingFile is a file of lines, which several may write: each write is of whole
// lines.
type RotatingFile struct {
	path string
	Rotation

	mu   sync.Mutex
	f    *os.File
	size int64
}

// OpenRotating opens the file, to whose end it writes.
func OpenRotating(path string, r Rotation) (*RotatingFile, error) {
	out := &RotatingFile{path: path, Rotation: r}
	if err := out.open(0); err != nil {
		return nil, err
	}
	var err error
	if out.path, err = filepath.EvalSymlinks(path); err != nil { // a link stays, what it names is rotated
		return nil, errors.Join(fmt.Errorf("opening the output file: %w", err), out.f.Close())
	}
	return out, nil
}

// open opens the file with additional flags.
func (r *RotatingFile) open(flags int) error {
	// Without waiting for the reader of a named pipe, which is refused either way.
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NONBLOCK|flags, 0o600)
	if errors.Is(err, unix.ENXIO) {
		return notAFile(r.path)
	}
	if err != nil {
		return fmt.Errorf("opening the output file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notAFile(r.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r.f, r.size = f, info.Size()
	return nil
}

func notAFile(path string) error {
	return fmt.Errorf("opening the output file: %q is not a file, write to it with a redirection", path)
}

// Write implements io.Writer. It rotates between lines.
func (r *RotatingFile) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	written := 0
	for len(p) > 0 {
		n := r.fits(p)
		if n == 0 {
			if err := r.rotate(); err != nil {
				return written, err
			}
			continue
		}
		done, err := r.f.Write(p[:n])
		r.size += int64(done)
		written += done
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// fits returns how many bytes of p, whole lines, go into the file as it is.
func (r *RotatingFile) fits(p []byte) int {
	room := r.MaxSize - r.size
	if r.MaxSize <= 0 || int64(len(p)) <= room {
		return len(p)
	}
	if n := bytes.LastIndexByte(p[:max(room, 0)], '\n') + 1; n > 0 || r.size > 0 {
		return n
	}
	if n := bytes.IndexByte(p, '\n') + 1; n > 0 {
		return n
	}
	return len(p)
}

// rotate renames the file and begins a new one, or empties the file where no older
// ones stay.
func (r *RotatingFile) rotate() error {
	if r.Keep == 0 {
		if err := r.f.Truncate(0); err != nil {
			return fmt.Errorf("rotating the output file: %w", err)
		}
		r.size = 0
		return nil
	}
	if err := r.f.Close(); err != nil {
		return err
	}
	for i := r.Keep; i > 0; i-- {
		from := r.older(i - 1)
		if err := os.Rename(from, r.older(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotating the output file: %w", err)
		}
	}
	return r.open(unix.O_NOFOLLOW) // what links the user meant, the first open followed
}

// older is the name of the i-th older file, of which 0 is the file itself.
func (r *RotatingFile) older(i int) string {
	if i == 0 {
		return r.path
	}
	return fmt.Sprintf("%s.%d", r.path, i)
}

// Close closes the file.
func (r *RotatingFile) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Close()
}
