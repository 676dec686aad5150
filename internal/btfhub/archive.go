package btfhub

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/therootcompany/xz"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfhub/unxz"
)

// Limits of what is read of an archive. Real ones have 1 MB, unpacked 5 MB.
const (
	MaxArchive   = 64 << 20 // compressed
	MaxBTF       = 64 << 20 // the member
	maxTrailer   = 1 << 20  // what may surround it: the frame of the tar
	xzDictionary = 64 << 20 // what xz -9 writes
)

// ReadArchiveFile returns the BTF in the archive at path, whose name gives the
// release.
func ReadArchiveFile(path string) ([]byte, error) {
	release, err := ParseRelease(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	f, err := action.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := ReadArchive(f, release)
	if err != nil {
		return nil, fmt.Errorf("reading archive %q: %w", path, err)
	}
	return data, nil
}

// ReadArchive returns the raw BTF of an archive: a tar, compressed by xz, with
// the one member <release>.btf. The checksums of the xz file are verified, and
// more than the limits of this package is refused.
func ReadArchive(r io.Reader, release string) ([]byte, error) {
	packed, err := io.ReadAll(&limited{r: r, left: MaxArchive})
	if err != nil {
		return nil, err
	}
	data, err := unxz.Unpack(packed, MaxBTF+maxTrailer)
	if errors.Is(err, unxz.ErrUnsupported) {
		data, err = unpackSlowly(packed)
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return member(data, release)
}

// unpackSlowly reads xz files with filters that unxz does not know.
func unpackSlowly(packed []byte) ([]byte, error) {
	xr, err := xz.NewReader(bytes.NewReader(packed), xzDictionary)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(&limited{r: xr, left: MaxBTF + maxTrailer})
}

// member returns the one member of a tar, without a copy.
func member(data []byte, release string) ([]byte, error) {
	r := bytes.NewReader(data)
	tr := tar.NewReader(r)
	h, err := tr.Next()
	if err != nil {
		return nil, fmt.Errorf("reading the tar: %w", noEOF(err))
	}
	if h.Typeflag != tar.TypeReg || strings.TrimPrefix(h.Name, "./") != release+BTFSuffix {
		return nil, fmt.Errorf("the member is %q, want the file %q", h.Name, release+BTFSuffix)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return nil, errors.New("the member is a sparse file")
		}
	}
	start := len(data) - r.Len()
	if h.Size > int64(r.Len()) || h.Size > MaxBTF {
		return nil, fmt.Errorf("the member claims %d bytes, there are %d and the limit is %d", h.Size, r.Len(), MaxBTF)
	}
	out := data[start : start+int(h.Size) : start+int(h.Size)]
	switch _, err := tr.Next(); {
	case err == nil:
		return nil, errors.New("there is more than one member")
	case err != io.EOF:
		return nil, fmt.Errorf("reading the tar: %w", err)
	}
	return out, nil
}

// firstAlloc is the most that is allocated on the word of a header alone.
const firstAlloc = 8 << 20

// readSized reads exactly n bytes; its memory grows with what really comes.
func readSized(r io.Reader, n int64) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(int(min(n, firstAlloc)) + bytes.MinRead)
	got, err := buf.ReadFrom(io.LimitReader(r, n))
	if err == nil && got < n {
		err = io.ErrUnexpectedEOF
	}
	return buf.Bytes(), err
}

var errTooLarge = errors.New("it is larger than any kernel's BTF")

// limited reads at most left bytes and then fails, unlike io.LimitReader.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		if n, err := l.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
