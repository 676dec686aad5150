package library

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// FS is where files are looked for: a *rootfs.FS.
type FS interface {
	Open(name string) (*os.File, error)
	ReadFile(name string) ([]byte, error)
	Names(dir string) ([]string, error)
}

// Find returns the paths of the files that match name, each below the root:
// the path itself when name has a slash; else every library of that name, "libc"
// and "libc.so" for any version, "libc.so.6" for that one; else the first program
// of that name in the directories of search, those of a plain PATH when it is
// empty. A library may have several files, for several versions or CPUs. The
// error is os.ErrNotExist if none exists.
func Find(fs FS, a arch.Arch, name, search string) ([]string, error) {
	if strings.ContainsRune(name, '/') {
		f, err := fs.Open(name)
		if err != nil {
			return nil, err
		}
		return []string{path.Clean("/" + name)}, f.Close()
	}
	found := inCache(fs, a, name)
	if len(found) == 0 {
		found = inDirectories(fs, a, name)
	}
	if len(found) == 0 {
		found = inPath(fs, name, search)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%q is neither a library nor a program: %w", name, os.ErrNotExist)
	}
	return found, nil
}

// matches reports whether the library in file matches name.
func matches(file, name string) bool {
	if file == name {
		return true
	}
	name = strings.TrimSuffix(name, ".so")
	rest, ok := strings.CutPrefix(file, name)
	// musl calls its libc libc.musl-x86_64.so.1.
	return ok && (rest == ".so" || strings.HasPrefix(rest, ".so.") || name == "libc" && strings.HasPrefix(rest, ".musl-"))
}

func inCache(fs FS, a arch.Arch, name string) []string {
	data, err := fs.ReadFile("/etc/ld.so.cache")
	if err != nil {
		return nil
	}
	var out []string
	// A broken cache is one without the library: the directories are left.
	_ = cacheLibraries(data, a, func(lib, file []byte) {
		if p := string(file); matches(string(lib), name) && !slices.Contains(out, p) && isELF(fs, p) {
			out = append(out, p)
		}
	})
	return out
}

// triplet is the name of an architecture in Debian's library directories, and
// musl the one that musl uses.
var triplet = map[arch.Arch]string{arch.AMD64: "x86_64-linux-gnu", arch.ARM64: "aarch64-linux-gnu"}

func directories(fs FS, a arch.Arch) []string {
	out := []string{
		"/lib/" + triplet[a], "/usr/lib/" + triplet[a], "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
	}
	machine, _, _ := strings.Cut(triplet[a], "-")
	data, err := fs.ReadFile("/etc/ld-musl-" + machine + ".path")
	if err != nil {
		return out
	}
	for _, dir := range strings.FieldsFunc(string(data), func(r rune) bool { return r == ':' || r == '\n' }) {
		if path.IsAbs(dir) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// inDirectories returns the libraries of the first directory that has some: it is
// that one the loader takes.
func inDirectories(fs FS, a arch.Arch, name string) []string {
	for _, dir := range directories(fs, a) {
		names, err := fs.Names(dir)
		if err != nil {
			continue
		}
		slices.Sort(names)
		var out []string
		for _, n := range names {
			if p := path.Join(dir, n); matches(n, name) && isELF(fs, p) {
				out = append(out, p)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// defaultPath is where programs are without PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func inPath(fs FS, name, search string) []string {
	if search == "" {
		search = defaultPath
	}
	for dir := range strings.SplitSeq(search, ":") {
		if p := path.Join(dir, name); path.IsAbs(dir) && isELF(fs, p) {
			return []string{p}
		}
	}
	return nil
}

// isELF reports whether file is an ELF file: a libc.so may be a script of the
// linker instead.
func isELF(fs FS, file string) bool {
	f, err := fs.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 4)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "\x7fELF"
}
