package proc

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile is how much of a file of /proc is read. The longest, /proc/stat, has a
// line for each CPU.
const maxFile = 1 << 20

// FS is /proc and /sys of a machine.
type FS struct {
	root string // the prefix of /proc and /sys
}

// New returns the files below root, "" for this machine's own.
func New(root string) FS { return FS{root: root} }

// Namespaces returns the inodes of a process' mount and network namespaces. Its
// error is os.ErrNotExist where the process has ended.
func (f FS) Namespaces(pid uint32) (mnt, network uint64, err error) {
	if mnt, err = f.namespace(pid, "mnt"); err != nil {
		return 0, 0, err
	}
	network, err = f.namespace(pid, "net")
	return mnt, network, err
}

func (f FS) namespace(pid uint32, kind string) (uint64, error) {
	link, err := os.Readlink(f.file(pid, filepath.Join("ns", kind)))
	if err != nil {
		return 0, err
	}
	return Namespace(link)
}

// hostPIDs is the inode of the machine's first PID namespace (PROC_PID_INIT_INO).
const hostPIDs = 0xEFFFFFFC

// HostPIDs reports whether /proc shows all processes of the machine, by the PIDs
// that its runtimes have for them.
func (f FS) HostPIDs() bool {
	inode, err := f.namespace(1, "pid")
	return err == nil && inode == hostPIDs
}

// Cgroup returns the cgroup of a process, as Cgroups does, and the directory of its
// cgroup v2 with its ID where that is mounted.
func (f FS) Cgroup(pid uint32) (cg Cgroup, err error) {
	text, err := read(f.file(pid, "cgroup"))
	if err != nil {
		return cg, err
	}
	cg.V1, cg.V2 = Cgroups(text)
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		at := filepath.Join(f.root, mount)
		if unix.Statfs(at, &st) != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		if id, err := cgroupID(filepath.Join(at, cg.V2)); err == nil {
			cg.Path, cg.ID = filepath.Join(mount, cg.V2), id
		}
		break
	}
	return cg, nil
}

// Cgroup is the position of a process among the cgroups.
type Cgroup struct {
	V1, V2 string
	Path   string // of V2 where it is mounted
	ID     uint64 // of Path
}

// cgroupID returns what bpf_get_current_cgroup_id returns for tasks in a directory
// of cgroup v2: the file handle, which older kernels make of more than the inode.
func cgroupID(path string) (uint64, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err == nil && handle.Size() == 8 {
		return binary.NativeEndian.Uint64(handle.Bytes()), nil
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, err
	}
	return st.Ino, nil
}

// Started returns when a process started.
func (f FS) Started(pid uint32) (time.Time, error) {
	text, err := read(f.file(pid, "stat"))
	if err != nil {
		return time.Time{}, err
	}
	after, err := Started(text)
	if err != nil {
		return time.Time{}, err
	}
	if text, err = read(filepath.Join(f.root, "/proc/stat")); err != nil {
		return time.Time{}, err
	}
	boot, err := Boot(text)
	return boot.Add(after), err
}

func (f FS) file(pid uint32, name string) string {
	return filepath.Join(f.root, "/proc", strconv.FormatUint(uint64(pid), 10), name)
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile))
}
