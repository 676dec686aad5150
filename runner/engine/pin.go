package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// pinMaps makes the directory of maps that programs share by name. Without bpffs
// they are not shared, which the gadget alone does not notice.
func (l *Loaded) pinMaps(spec *ebpf.CollectionSpec, path string) {
	for name, m := range spec.Maps {
		if m.Pinning != ebpf.PinByName {
			continue
		}
		if err := bpffsDirectory(path); err != nil {
			l.note("map %q is not shared with other programs: %v", name, err)
			m.Pinning = ebpf.PinNone
			continue
		}
		file := filepath.Join(path, m.Name)
		if _, err := os.Lstat(file); err == nil {
			l.detail("using the map %q that is pinned at %s", name, file)
		} else {
			l.detail("pinning map %q at %s", name, file)
		}
	}
}

// bpffsDirectory makes path, which must be in a mounted bpffs.
func bpffsDirectory(path string) error {
	if err := noBpffs(path); err != nil {
		return err
	}
	return os.MkdirAll(path, 0o700)
}

// noBpffs returns an error when path, or the nearest directory above it that there
// is, is in no bpffs.
func noBpffs(path string) error {
	var st unix.Statfs_t
	for dir := path; ; dir = filepath.Dir(dir) {
		err := unix.Statfs(dir, &st)
		if errors.Is(err, unix.ENOENT) && dir != filepath.Dir(dir) {
			continue
		}
		if err != nil || st.Type != unix.BPF_FS_MAGIC {
			return fmt.Errorf("no bpffs is mounted on %s", dir)
		}
		return nil
	}
}
