package btfgen_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// minHead is the length of a container's magic.
const minHead = 8

// FuzzReadResults feeds damaged containers with a right checksum.
func FuzzReadResults(f *testing.F) {
	id := kernel.Identity{Distro: "debian", Version: "12", Arch: "amd64", Release: "6.1"}
	var buf bytes.Buffer
	if err := btfgen.WriteResults(&buf, []btfhub.LayerEntry{{Kernel: id, BTF: []byte("some BTF")}}); err != nil {
		f.Fatal(err)
	}
	head := slices.Clone(buf.Bytes()[:minHead])
	f.Add(buf.Bytes()[minHead+sha256.Size:])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		entries, err := btfgen.ReadResults(slices.Concat(head, sum[:], body))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := btfgen.WriteResults(&again, entries); err != nil {
			t.Fatal(err)
		}
		if _, err := btfgen.ReadResults(again.Bytes()); err != nil {
			t.Errorf("what was read cannot be written and read again: %v", err)
		}
	})
}
