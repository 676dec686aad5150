// Package rootfs opens files as a process with another root directory would: a
// symbolic link in a container, also an absolute one, stays in the container.
package rootfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// The limits of one path.
const (
	maxLinks      = 40
	maxComponents = 4096
	maxFile       = 16 << 20 // of a file that is read whole
	maxEntries    = 1 << 16  // of a directory
)

// FS is the files below one root directory. Close it.
type FS struct{ dir *os.File }

// Open opens the files of root directory dir: "/" for this process's own,
// /proc/PID/root for that of another.
func Open(dir string) (*FS, error) {
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &FS{dir: f}, nil
}

// Close closes the directory.
func (r *FS) Close() error { return r.dir.Close() }

// Open opens the file called name for reading. Devices, pipes and sockets are
// refused, so that it never waits.
func (r *FS) Open(name string) (*os.File, error) {
	f, err := r.open(name)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return f, nil
}

func (r *FS) open(name string) (*os.File, error) {
	found, err := r.walk(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(found)
	var st unix.Stat_t
	if err := unix.Fstat(found, &st); err != nil {
		return nil, err
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return nil, errors.New("not a regular file")
	}
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", found), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// walk returns a descriptor of name (O_PATH), which may be a file of any kind. It
// goes component by component and follows links by itself: openat2 cannot be
// counted on before Linux 5.6.
func (r *FS) walk(name string) (int, error) {
	w := walker{path: []int{}, todo: strings.Split(name, "/"), root: int(r.dir.Fd())}
	defer w.leave()
	for steps := 0; len(w.todo) > 0; steps++ {
		if steps > maxComponents {
			return -1, unix.ENAMETOOLONG
		}
		next := w.todo[0]
		w.todo = w.todo[1:]
		if err := w.step(next); err != nil {
			return -1, err
		}
	}
	return unix.FcntlInt(uintptr(w.here()), unix.F_DUPFD_CLOEXEC, 0)
}

// walker is the state of a walk: what it went through below the root, and what is
// left of the name.
type walker struct {
	root  int
	path  []int
	todo  []string
	links int
}

func (w *walker) here() int {
	if len(w.path) == 0 {
		return w.root
	}
	return w.path[len(w.path)-1]
}

func (w *walker) step(name string) error {
	switch name {
	case "", ".":
		return nil
	case "..":
		if n := len(w.path); n > 0 {
			unix.Close(w.path[n-1])
			w.path = w.path[:n-1]
		}
		return nil
	}
	fd, err := unix.Openat(w.here(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		w.path = append(w.path, fd)
		return nil
	}
	defer unix.Close(fd)
	return w.follow(fd)
}

func (w *walker) follow(link int) error {
	if w.links++; w.links > maxLinks {
		return unix.ELOOP
	}
	var target [unix.PathMax]byte
	n, err := unix.Readlinkat(link, "", target[:])
	if err != nil {
		return err
	}
	if path.IsAbs(string(target[:n])) {
		w.leave()
	}
	w.todo = append(strings.Split(string(target[:n]), "/"), w.todo...)
	return nil
}

// leave goes back to the root.
func (w *walker) leave() {
	for _, fd := range w.path {
		unix.Close(fd)
	}
	w.path = w.path[:0]
}

// ReadFile returns the content of a file of at most 16 MiB.
func (r *FS) ReadFile(name string) ([]byte, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, fmt.Errorf("reading %s: more than %d bytes", name, maxFile)
	}
	return data, err
}

// Names returns the names of the entries of a directory, unsorted.
func (r *FS) Names(name string) ([]string, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}
