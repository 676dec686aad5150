package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// readTar returns the regular files of a tar that is not compressed. Its
// memory grows with what comes, not with what the headers claim.
func readTar(r io.Reader) (map[string][]byte, error) {
	out := map[string][]byte{}
	return out, eachFile(r, func(h *tar.Header, r io.Reader) error {
		var b bytes.Buffer
		b.Grow(int(min(h.Size, 1<<20)) + bytes.MinRead)
		_, err := io.CopyN(&b, r, h.Size)
		out[path.Clean(h.Name)] = b.Bytes()
		return err
	})
}

// readLayer returns the regular files of a tar as parts of it, so that a layer
// takes no memory in addition to the archive that it is in.
func readLayer(data []byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	at := bytes.NewReader(data)
	return out, eachFile(at, func(h *tar.Header, _ io.Reader) error {
		start := int64(len(data) - at.Len())
		if h.Size > int64(at.Len()) {
			return io.ErrUnexpectedEOF
		}
		out[path.Clean(h.Name)] = data[start : start+h.Size : start+h.Size]
		return nil
	})
}

// eachFile calls visit for each regular file of a tar, within the limits of
// Import.
func eachFile(r io.Reader, visit func(*tar.Header, io.Reader) error) error {
	files, left := 0, int64(MaxImportBytes)
	tr := tar.NewReader(r)
	for range maxTarHeaders {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading tar: %w, it must be a tar, plain or compressed with gzip", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		files++
		switch left -= h.Size; {
		case len(h.Name) > maxTarName:
			return fmt.Errorf("a name of more than %d bytes", maxTarName)
		case isSparse(h):
			return fmt.Errorf("%q is a sparse file", h.Name)
		case left < 0:
			return fmt.Errorf("its files have more than %d bytes", MaxImportBytes)
		case files > MaxImportFiles:
			return fmt.Errorf("more than %d files", MaxImportFiles)
		}
		if err := visit(h, tr); err != nil {
			return fmt.Errorf("reading %q: %w", h.Name, err)
		}
	}
	return fmt.Errorf("more than %d members", maxTarHeaders)
}

// isSparse reports whether a file has less content than its size says.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
