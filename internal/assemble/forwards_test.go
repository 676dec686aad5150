package assemble

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// ext returns a .BTF.ext section whose CO-RE part has these words.
func ext(words ...uint32) []byte {
	b := []byte{0x9f, 0xeb, 1, 0}
	for _, w := range slices.Concat([]uint32{32, 0, 0, 0, 0, 0, uint32(4 * len(words))}, words) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func TestRenumberRelocations(t *testing.T) {
	ids := map[uint32]uint32{7: 9, 9: 7}
	got := ext(16, 7, 2, 0, 7, 1, 8, 8, 9, 1, 8, 9, 1, 0, 5, 9, 8)
	want := ext(16, 7, 2, 0, 9, 1, 8, 8, 7, 1, 8, 9, 1, 0, 5, 9, 8)
	if err := renumberRelocations(got, ids); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\ngot  %x\nwant %x", err, got, want)
	}
	for name, b := range map[string][]byte{"short header": {0x9f, 0xeb, 1, 0}, "none": ext()} {
		if err := renumberRelocations(b, ids); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut := ext(16, 7, 1, 0, 7, 1, 8)
	for want, b := range map[string][]byte{
		"out of range":                         cut[:len(cut)-4],
		"of 12 bytes are unknown":              ext(12, 7, 1, 0, 7, 1),
		"need more bytes than the section has": ext(16, 7, 2, 0, 7, 1, 8),
	} {
		if err := renumberRelocations(b, ids); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
