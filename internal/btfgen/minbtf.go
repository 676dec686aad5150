package btfgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// The container of results (.minbtf) passes minimal BTF from the action of a
// shard to that which writes the layer: magic, SHA-256 of the rest, the
// distinct BTFs, then path and number of the BTF for each kernel. Numbers are
// unsigned varints, strings have their length before them.
const minMagic = "MINBTF\x00\x01"

// Limits of what is read of a container.
const (
	MaxMinBTF    = 256 << 20
	maxMinBTFOne = 16 << 20
)

// WriteResults writes the container.
func WriteResults(w io.Writer, entries []btfhub.LayerEntry) error {
	numbers := map[string]int{}
	var blobs, table []byte
	for _, e := range entries {
		n, ok := numbers[string(e.BTF)]
		if !ok {
			n = len(numbers)
			numbers[string(e.BTF)] = n
			blobs = append(binary.AppendUvarint(blobs, uint64(len(e.BTF))), e.BTF...)
		}
		path := btfhub.ArchivePath(e.Kernel)
		table = append(binary.AppendUvarint(table, uint64(len(path))), path...)
		table = binary.AppendUvarint(table, uint64(n))
	}
	body := append(binary.AppendUvarint(nil, uint64(len(numbers))), blobs...)
	body = append(binary.AppendUvarint(body, uint64(len(entries))), table...)
	sum := sha256.Sum256(body)
	_, err := w.Write(append(append([]byte(minMagic), sum[:]...), body...))
	return err
}

var errMinBTF = errors.New("the container of minimal BTF is damaged")

// ReadResults reads a container.
func ReadResults(data []byte) ([]btfhub.LayerEntry, error) {
	body, ok := bytes.CutPrefix(data, []byte(minMagic))
	if !ok || len(body) < sha256.Size {
		return nil, errors.New("the file is not a container of minimal BTF")
	}
	sum := [sha256.Size]byte(body)
	body = body[sha256.Size:]
	if sha256.Sum256(body) != sum {
		return nil, errMinBTF
	}
	r := minReader{b: body}
	blobs := make([][]byte, r.count())
	for i := range blobs {
		blobs[i] = r.bytes(maxMinBTFOne)
	}
	entries := make([]btfhub.LayerEntry, r.count())
	for i := range entries {
		path, n := r.bytes(maxMinBTFOne), r.number()
		if r.bad || n >= uint64(len(blobs)) {
			return nil, errMinBTF
		}
		id, err := btfhub.ParseArchivePath(string(path))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errMinBTF, err)
		}
		entries[i] = btfhub.LayerEntry{Kernel: id, BTF: blobs[n]}
	}
	if r.bad || len(r.b) > 0 {
		return nil, errMinBTF
	}
	return entries, nil
}

// minReader reads numbers and bytes; after an error it yields nothing.
type minReader struct {
	b   []byte
	bad bool
}

func (r *minReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads the number of things of at least one byte each.
func (r *minReader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return 0
	}
	return int(n)
}

func (r *minReader) bytes(limit uint64) []byte {
	n := r.number()
	if n > uint64(len(r.b)) || n > limit {
		r.b, r.bad = nil, true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}
