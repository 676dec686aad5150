package engine

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// libraryDirectories are searched for a library that a uprobe names without path.
var libraryDirectories = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
}

// parseUprobe splits "binary:symbol+offset"; the offset may be missing.
func parseUprobe(target string) (bin, symbol string, offset uint64, err error) {
	bin, symbol, ok := strings.Cut(target, ":")
	if !ok || bin == "" || symbol == "" {
		return "", "", 0, fmt.Errorf("attach target %q, want binary:symbol", target)
	}
	if sym, off, ok := strings.Cut(symbol, "+"); ok {
		if offset, err = strconv.ParseUint(off, 0, 64); err != nil {
			return "", "", 0, fmt.Errorf("attach target %q: offset %q is not a number", target, off)
		}
		symbol = sym
	}
	return bin, symbol, offset, nil
}

// findBinary returns the path of a binary: itself when it has a slash, else the
// first library of that name ("libc" finds libc.so.6).
func findBinary(name string) (string, error) {
	if strings.ContainsRune(name, '/') {
		_, err := os.Stat(name)
		return name, err
	}
	for _, dir := range libraryDirectories {
		for _, pattern := range []string{name, name + ".so.*", name + ".so"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return "", fmt.Errorf("library %q: %w", name, err)
			}
			if i := slices.IndexFunc(found, isELF); i >= 0 {
				return found[i], nil
			}
		}
	}
	return "", fmt.Errorf("library %q: %w in the library directories", name, os.ErrNotExist)
}

// isELF reports whether path is an ELF file: a libc.so may be a script of the
// linker instead.
func isELF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == elf.ELFMAG
}
