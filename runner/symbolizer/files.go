package symbolizer

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/binary"
	"github.com/rules-gadget/rules_gadget/runner/rootfs"
)

// The limits of what is kept of files.
const (
	maxTables     = 64 << 20 // bytes of tables of functions, of all files
	maxFiles      = 1024
	maxDebugBytes = 512 << 20 // of a file with debugging symbols whose checksum is taken
)

// fileID distinguishes files, also before and after they were written to.
type fileID struct {
	dev, inode uint64
	size       int64
	mtime      unix.Timespec
}

// file is what is known of a file that processes map.
type file struct {
	name  string // without directories
	elf   *binary.File
	table *binary.Table // nil when it has none
	build []byte
}

// find returns the function at offset of the file, nil when it is unknown.
func (f *file) find(offset uint64) []byte {
	if f.table == nil {
		return nil
	}
	addr, ok := f.elf.Address(offset)
	if !ok {
		return nil
	}
	name, _ := f.table.Find(addr)
	return name
}

// files are the files that were read, by identity and by build id. The bytes of
// their tables are bounded: where one more would be too many, all are forgotten.
type files struct {
	byID    map[fileID]*file
	byBuild map[string]*file
	bytes   int
	// debugCache is a directory of debuginfod, "" for none.
	debugCache string
}

// open returns what is known about f, whose path in root is name. root is where
// debugging symbols are looked for; it may be nil.
func (s *files) open(f *os.File, name string, root *rootfs.FS) (*file, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("not a regular file")
	}
	id := fileID{st.Dev, st.Ino, st.Size, st.Mtim}
	if cached := s.byID[id]; cached != nil {
		return cached, nil
	}
	out := &file{name: path.Base(name)}
	if err := s.read(out, f, st.Size, name, root); err != nil {
		return nil, err
	}
	s.keep(id, out)
	return out, nil
}

func (s *files) keep(id fileID, f *file) {
	size := 0
	if f.table != nil {
		size = f.table.Bytes()
	}
	if s.byID == nil || len(s.byID) >= maxFiles || s.bytes+size > maxTables {
		s.byID, s.byBuild, s.bytes = map[fileID]*file{}, map[string]*file{}, 0
	}
	s.byID[id] = f
	s.bytes += size
	if len(f.build) > 0 {
		s.byBuild[string(f.build)] = f
	}
}

// read fills f from the file in r, or from the file that has its symbols.
func (s *files) read(f *file, r io.ReaderAt, size int64, name string, root *rootfs.FS) error {
	elf, err := binary.New(r, size)
	if err != nil {
		return err
	}
	f.elf, f.build = elf.Detached(), elf.BuildID()
	if !elf.HasSymbolTable() {
		if t := s.debugTable(elf, f.build, name, root); t != nil {
			f.table = t
			return nil
		}
	}
	// A file without symbols, or with damaged ones, still has a name.
	f.table, _ = elf.Functions()
	return nil
}

// debugTable returns the functions of a stripped file out of the file that has
// its symbols: in root or on this machine, by build id or by the link, or in the
// cache of debuginfod. nil if none exists.
func (s *files) debugTable(elf *binary.File, build []byte, name string, root *rootfs.FS) *binary.Table {
	host, err := rootfs.Open("/")
	if err != nil {
		return nil
	}
	defer host.Close()
	roots := []*rootfs.FS{root, host}
	if hex := fmt.Sprintf("%x", build); len(hex) > 2 {
		for _, r := range roots {
			if t := debugFile(r, "/usr/lib/debug/.build-id/"+hex[:2]+"/"+hex[2:]+".debug", build, 0); t != nil {
				return t
			}
		}
		if s.debugCache != "" {
			if t := debugFile(host, filepath.Join(s.debugCache, hex, "debuginfo"), build, 0); t != nil {
				return t
			}
		}
	}
	link, crc := elf.DebugLink()
	if link == "" || link != path.Base(link) {
		return nil
	}
	dir := path.Dir(name)
	for _, at := range []string{dir, dir + "/.debug", "/usr/lib/debug" + dir} {
		for _, r := range roots {
			if t := debugFile(r, at+"/"+link, build, crc); t != nil {
				return t
			}
		}
	}
	return nil
}

// debugFile returns the functions of the file at name if it is that of the build
// id, or without one of the checksum.
func debugFile(root *rootfs.FS, name string, build []byte, crc uint32) *binary.Table {
	if root == nil {
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	elf, err := binary.New(f, info.Size())
	if err != nil || !elf.HasSymbolTable() || !bytes.Equal(elf.BuildID(), build) {
		return nil
	}
	if len(build) == 0 && !hasChecksum(f, info.Size(), crc) {
		return nil
	}
	t, err := elf.Functions()
	if err != nil {
		return nil
	}
	return t
}

func hasChecksum(r io.ReaderAt, size int64, crc uint32) bool {
	if size > maxDebugBytes {
		return false
	}
	h := crc32.NewIEEE()
	_, err := io.Copy(h, io.NewSectionReader(r, 0, size))
	return err == nil && h.Sum32() == crc
}
