package unxz

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"testing"

	reference "github.com/therootcompany/xz"
	"github.com/ulikunitz/xz"
)

const limit = 4 << 20

// pack compresses data with another implementation.
func pack(t testing.TB, data []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := c.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// samples are data of several kinds.
func samples() map[string][]byte {
	r := rand.New(rand.NewSource(1))
	random := make([]byte, 200_000)
	r.Read(random)
	text := make([]byte, 0, 300_000)
	for len(text) < 300_000 {
		at := r.Intn(len(text) + 1)
		n := min(r.Intn(400), len(text)-at)
		text = append(append(text, text[at:at+n]...), byte('a'+r.Intn(26)))
	}
	return map[string][]byte{
		"empty": {}, "byte": {1}, "zeros": make([]byte, 1_000_000), "random": random, "text": text,
		"mixed": append(append(bytes.Clone(text[:1000]), random[:70_000]...), text...),
	}
}

func TestUnpack(t *testing.T) {
	configs := []xz.WriterConfig{
		{DictCap: 1 << 16}, {CheckSum: xz.CRC32}, {CheckSum: xz.SHA256}, {NoCheckSum: true}, {}, {BlockSize: 50_000},
	}
	for name, data := range samples() {
		n := 1
		if name == "mixed" {
			n = len(configs)
		}
		for _, c := range configs[:n] {
			got, err := Unpack(pack(t, data, c), limit)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s with %+v: %d bytes, %v", name, c, len(got), err)
			}
		}
	}
}

func TestSeveralStreamsAndPadding(t *testing.T) {
	one, two := pack(t, []byte("one"), xz.WriterConfig{}), pack(t, []byte("two"), xz.WriterConfig{})
	file := append(append(bytes.Clone(one), 0, 0, 0, 0), two...)
	if got, err := Unpack(file, limit); err != nil || string(got) != "onetwo" {
		t.Errorf("Unpack = %q, %v", got, err)
	}
	if got, err := Unpack(append(one, 0, 0), limit); err == nil {
		t.Errorf("padding of two bytes is taken: %q", got)
	}
}

func TestLimit(t *testing.T) {
	bomb := pack(t, make([]byte, 3<<20), xz.WriterConfig{})
	if _, err := Unpack(bomb, 3<<20-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Unpack of a bomb = %v, want ErrTooLarge", err)
	}
	if _, err := Unpack(bomb, 3<<20); err != nil {
		t.Errorf("Unpack at the limit = %v", err)
	}
}

// TestDamage flips each bit of a small file and cuts it at each byte: an error,
// or the same output where a bit has no influence, as some of the properties.
func TestDamage(t *testing.T) {
	data := samples()["text"][:600]
	good := pack(t, data, xz.WriterConfig{})
	for i := range good {
		if _, err := Unpack(good[:i], limit); err == nil {
			t.Fatalf("cut at %d of %d: no error", i, len(good))
		}
		for bit := range 8 {
			damaged := bytes.Clone(good)
			damaged[i] ^= 1 << bit
			if got, err := Unpack(damaged, limit); err == nil && !bytes.Equal(got, data) {
				t.Fatalf("bit %d of byte %d flipped: no error", bit, i)
			}
		}
	}
}

// FuzzUnpack compares with another implementation.
func FuzzUnpack(f *testing.F) {
	for _, data := range samples() {
		f.Add(pack(f, data[:min(len(data), 2000)], xz.WriterConfig{}))
		f.Add(pack(f, data[:min(len(data), 2000)], xz.WriterConfig{NoCheckSum: true}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Unpack(data, limit)
		if err != nil {
			return
		}
		r, err := reference.NewReader(bytes.NewReader(data), 0)
		if err != nil {
			t.Fatalf("accepted what another implementation refuses: %v", err)
		}
		want, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, another implementation has %d, %v", len(got), len(want), err)
		}
	})
}
