package wasm

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero"
)

// maxCache is how many bytes the directory of compiled modules may hold.
const maxCache = 256 << 20

// openCache opens the directory of compiled modules. Without it the module is
// compiled each time, which is slower and else the same.
func openCache(dir string) (wazero.CompilationCache, error) {
	if dir == "" {
		return nil, nil
	}
	if err := secureDirectory(dir); err != nil {
		return nil, err
	}
	prune(dir, maxCache)
	return wazero.NewCompilationCacheWithDir(dir)
}

// secureDirectory makes dir and refuses one that others may write to: what lies
// in it is run as machine code.
func secureDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the directory of compiled modules: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("looking at the directory of compiled modules: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("directory of compiled modules %q: other users can write to it, make it this user's with mode 0700",
			dir)
	}
	return nil
}

// prune removes the compiled modules that were written first, until the others
// have at most limit bytes.
func prune(dir string, limit int64) {
	type entry struct {
		path string
		size int64
		time time.Time
	}
	var entries []entry
	var total int64
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what cannot be read is not counted
		}
		if info, err := d.Info(); err == nil {
			entries = append(entries, entry{path, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.path, b.path)) })
	for _, e := range entries {
		if total <= limit {
			return
		}
		if os.Remove(e.path) == nil {
			total -= e.size
		}
	}
}
