package btfhub

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// LayerEntry is the minimal BTF of one kernel.
type LayerEntry struct {
	Kernel kernel.Identity
	BTF    []byte
}

// WriteLayer returns the btfgen layer: a gzip-compressed tar of regular files
// <distro>/<version>/<arch>/<release>.btf, sorted, without times and ids. A
// kernel that is given twice must have equal BTF both times.
func WriteLayer(entries []LayerEntry) ([]byte, error) {
	seen := make(map[string][]byte, len(entries))
	files := make([]action.Entry, 0, len(entries))
	for _, e := range entries {
		path := LayerPath(e.Kernel)
		if before, ok := seen[path]; ok {
			if !bytes.Equal(before, e.BTF) {
				return nil, fmt.Errorf("layer: kernel %q appears twice with different BTF", path)
			}
			continue
		}
		seen[path] = e.BTF
		files = append(files, action.Entry{Name: path, Data: e.BTF})
	}
	var buf bytes.Buffer
	if err := action.WriteTar(&buf, files); err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return action.Gzip(buf.Bytes())
}

// Limits of what is read of a layer. The layer of the whole public archive for
// a large gadget unpacks to about 20 MB.
const (
	maxLayer        = 1 << 30 // unpacked
	maxLayerEntries = 1 << 18
	maxLayerName    = 512
)

// Layer is an opened btfgen layer. It keeps the compressed bytes and a list of
// names, and unpacks what is needed.
type Layer struct {
	gz    []byte
	names []string // as in the tar, without a leading "./"
}

// OpenLayer reads the names in a layer, in directories as WriteLayer writes it or
// flat. Members that are not regular .btf files are ignored.
func OpenLayer(gz []byte) (*Layer, error) {
	l := &Layer{gz: gz}
	err := l.each(func(name string, _ int64, _ io.Reader) error {
		switch {
		case len(l.names) == maxLayerEntries:
			return errors.New("too many members")
		case len(name) > maxLayerName:
			return fmt.Errorf("a member's name has more than %d bytes", maxLayerName)
		}
		l.names = append(l.names, name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the btfgen layer: %w", err)
	}
	return l, nil
}

// Names returns the paths of the BTF files in the layer, in its order.
func (l *Layer) Names() []string { return l.names }

// Read returns the BTF at one of Names.
func (l *Layer) Read(name string) ([]byte, error) {
	var data []byte
	err := l.each(func(n string, size int64, r io.Reader) (err error) {
		if n != name || data != nil {
			return nil
		}
		if size > MaxBTF {
			return fmt.Errorf("%q has %d bytes, the limit is %d", name, size, MaxBTF)
		}
		if data, err = readSized(r, size); err == nil {
			err = errStop
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the btfgen layer: %w", err)
	}
	if data == nil {
		return nil, fmt.Errorf("the btfgen layer has no %q", name)
	}
	return data, nil
}

// errStop ends Layer.each early, without an error.
var errStop = errors.New("stop")

// each calls f for every BTF file in the layer.
func (l *Layer) each(f func(name string, size int64, r io.Reader) error) error {
	zr, err := gzip.NewReader(bytes.NewReader(l.gz))
	if err != nil {
		return err
	}
	tr := tar.NewReader(&limited{r: zr, left: maxLayer})
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(name, BTFSuffix) || !action.CleanName(name) {
			continue
		}
		if err := f(name, h.Size, tr); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
}
