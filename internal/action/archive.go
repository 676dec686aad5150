package action

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Entry is one regular file of a deterministic tar, or a directory.
type Entry struct {
	// Name is the slash-separated path inside the archive, without "./" and
	// without a slash at the end.
	Name string
	// Data is the file's content, unless Open is set.
	Data []byte
	// Open gives the content, of Size bytes, when it is read.
	Open func() (io.ReadCloser, error)
	Size int64
	// Mode holds the permission bits; zero means 0644.
	Mode int64
	// Directory makes the entry a directory, without content.
	Directory bool
}

// WriteTar writes entries as a tar sorted by name, with zero times and ids, in
// the plain USTAR format unless a name needs PAX. Names that are empty, absolute,
// not clean or given twice are refused.
func WriteTar(w io.Writer, entries []Entry) error {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	tw := tar.NewWriter(w)
	for i, e := range sorted {
		if i > 0 && sorted[i-1].Name == e.Name {
			return fmt.Errorf("writing tar: %q appears twice", e.Name)
		}
		if err := writeEntry(tw, e); err != nil {
			return fmt.Errorf("writing tar: %w", err)
		}
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("writing tar: %w", err)
	}
	return nil
}

func writeEntry(tw *tar.Writer, e Entry) error {
	if !CleanName(e.Name) {
		return fmt.Errorf("unclean name %q", e.Name)
	}
	mode := e.Mode
	if mode == 0 {
		mode = 0o644
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     e.Name,
		Size:     int64(len(e.Data)),
		Mode:     mode,
		ModTime:  time.Unix(0, 0).UTC(),
	}
	if e.Open != nil {
		header.Size = e.Size
	}
	if e.Directory {
		header.Typeflag, header.Name, header.Size = tar.TypeDir, e.Name+"/", 0
		return tw.WriteHeader(header)
	}
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	return copyEntry(tw, e)
}

func copyEntry(tw *tar.Writer, e Entry) error {
	if e.Open == nil {
		_, err := tw.Write(e.Data)
		return err
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(tw, r)
	return err
}

// CleanName reports whether name is a relative, slash-separated path without
// empty, "." or ".." parts.
func CleanName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.ContainsRune(name, 0)
}

// Gzip returns data compressed at the best level, without name and time, so
// that equal input gives equal bytes.
func Gzip(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if _, err := zw.Write(data); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := zw.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return buf.Bytes(), nil
}
