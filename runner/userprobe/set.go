package userprobe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/library"
	"github.com/rules-gadget/rules_gadget/runner/rootfs"
)

// Host is the root directory of this machine.
const Host = "/"

// Set attaches programs in one root directory after the other. It may be used
// from any goroutine. Close it.
type Set struct {
	mu     sync.Mutex
	probes []Probe
	specs  *specs
	// files are what is attached, by file. Two containers of one image have the
	// same file, and a second probe on it would fire twice.
	files map[fileID]*attached
	roots map[string][]fileID
}

// Probe is a program and where it goes.
type Probe struct {
	Program *ebpf.Program
	Target  Target
	// Single makes a probe of many functions one link for each, for kernels that
	// cannot do more.
	Single bool
}

// MaxSingle is how many functions are probed by a link for each.
const MaxSingle = 256

// fileID distinguishes files as the kernel's probes do: by the file itself, not by
// the mount through which it is seen. An overlay shows a file of its layers
// under another device, all else is the same.
type fileID struct {
	probe        int
	inode        uint64
	size         int64
	mtime, ctime unix.Timespec
}

// attached are the links of one probe in one file.
type attached struct {
	links []link.Link
	roots int // how many have the file
}

// NewSet returns a Set of nothing. maps are those of the object, which has two for
// static probes.
func NewSet(maps map[string]*ebpf.Map) *Set {
	return &Set{specs: newSpecs(maps), files: map[fileID]*attached{}, roots: map[string][]fileID{}}
}

// Add adds a probe and attaches it in root. The error is os.ErrNotExist or
// link.ErrNoSymbol when root has nothing of the kind.
func (s *Set) Add(p Probe, root string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes = append(s.probes, p)
	if root == "" {
		return nil
	}
	return s.inRoot(root, func(fs *rootfs.FS) error { return s.attach(len(s.probes)-1, root, fs) })
}

// Enter attaches every probe in another root directory, /proc/PID/root for that of
// a process. What that root has not is not an error. It returns how many probes it
// has.
func (s *Set) Enter(root string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	err := s.inRoot(root, func(fs *rootfs.FS) error {
		var errs error
		for i := range s.probes {
			switch err := s.attach(i, root, fs); {
			case err == nil:
				count++
			case errors.Is(err, os.ErrNotExist), errors.Is(err, link.ErrNoSymbol):
			default:
				errs = errors.Join(errs, fmt.Errorf("attaching to %q in %s: %w", s.probes[i].Target.Binary, root, err))
			}
		}
		return errs
	})
	return count, err
}

// Leave detaches what only root had.
func (s *Set) Leave(root string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, id := range s.roots[root] {
		at := s.files[id]
		if at.roots--; at.roots == 0 {
			err = errors.Join(err, at.close())
			delete(s.files, id)
		}
	}
	delete(s.roots, root)
	return err
}

// Close detaches everything.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(s.files))
	i := 0
	// For each link the kernel waits some milliseconds, so all at once.
	for _, at := range s.files {
		wg.Go(func(n int) func() { return func() { errs[n] = at.close() } }(i))
		i++
	}
	wg.Wait()
	clear(s.files)
	clear(s.roots)
	return errors.Join(errs...)
}

func (a *attached) close() error {
	var err error
	for _, ln := range a.links {
		err = errors.Join(err, ln.Close())
	}
	a.links = nil
	return err
}

func (s *Set) inRoot(root string, fn func(fs *rootfs.FS) error) error {
	fs, err := rootfs.Open(root)
	if err != nil {
		return fmt.Errorf("opening the root directory %s: %w", root, err)
	}
	defer fs.Close()
	return fn(fs)
}

// attach attaches probe number i to every file in root that its target names. Of
// several, as of a library with two versions, some may lack the function.
func (s *Set) attach(i int, root string, fs *rootfs.FS) error {
	search := ""
	if root == Host {
		search = os.Getenv("PATH")
	}
	paths, err := library.Find(fs, arch.Host(), s.probes[i].Target.Binary, search)
	if err != nil {
		return err
	}
	done := 0
	var missing error
	for _, path := range paths {
		switch err := s.attachFile(i, root, fs, path); {
		case err == nil:
			done++
		case errors.Is(err, link.ErrNoSymbol):
			missing = errors.Join(missing, fmt.Errorf("%s: %w", path, err))
		default:
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if done == 0 {
		return missing
	}
	return nil
}

func (s *Set) attachFile(i int, root string, fs *rootfs.FS, path string) error {
	f, err := fs.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	id := fileID{i, st.Ino, st.Size, st.Mtim, st.Ctim}
	for _, other := range s.roots[root] {
		if other == id {
			return nil // two names of one file
		}
	}
	at := s.files[id]
	if at == nil {
		if at, err = s.attachPlaces(s.probes[i], f, path); err != nil {
			return err
		}
		s.files[id] = at
	}
	at.roots++
	s.roots[root] = append(s.roots[root], id)
	return nil
}

// attachPlaces attaches p everywhere in the open file. The kernel gets it by its
// descriptor: a path would be looked up in this process's root directory.
func (s *Set) attachPlaces(p Probe, f *os.File, path string) (*attached, error) {
	places, err := p.Target.places(f)
	if err != nil {
		return nil, err
	}
	ex, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, err
	}
	if p.Target.Multi {
		if !p.Single {
			return attachMulti(p, ex, places)
		}
		if len(places) > MaxSingle {
			return nil, fmt.Errorf("%d functions match, and this kernel probes one after the other: at most %d, use a "+
				"narrower pattern",
				len(places), MaxSingle)
		}
	}
	out := &attached{}
	for _, at := range places {
		opts := &link.UprobeOptions{Address: at.offset, RefCtrOffset: at.semaphore}
		if p.Target.Static {
			if opts.Cookie, err = s.specs.add(at.arguments); err != nil {
				return nil, errors.Join(err, out.close())
			}
		}
		attach := ex.Uprobe
		if p.Target.Return {
			attach = ex.Uretprobe
		}
		ln, err := attach("", p.Program, opts)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("probing %s at %#x: %w", filepath.Base(path), at.offset, err), out.close())
		}
		out.links = append(out.links, ln)
	}
	return out, nil
}

// attachMulti attaches p to many places at once.
func attachMulti(p Probe, ex *link.Executable, places []place) (*attached, error) {
	opts := &link.UprobeMultiOptions{}
	for _, at := range places {
		opts.Addresses = append(opts.Addresses, at.offset)
	}
	attach := ex.UprobeMulti
	if p.Target.Return {
		attach = ex.UretprobeMulti
	}
	ln, err := attach(nil, p.Program, opts)
	if err != nil {
		return nil, fmt.Errorf("probing %d functions: %w", len(places), err)
	}
	return &attached{links: []link.Link{ln}}, nil
}
