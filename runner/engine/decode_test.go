package engine_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/golden"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

func typesSource(tb testing.TB) *field.Source {
	tb.Helper()
	p, err := gadgetapi.Read(gadgettest.File(tb, "types.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		tb.Fatal(err)
	}
	sources, err := engine.Sources(p, gadgetapi.Metadata{}, field.Env{
		Boot: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Arch: arch.AMD64,
		Users: func(uint32) string { return "alice" },
		Enum: func(name string) *btf.Enum {
			if name != "color" {
				return nil
			}
			return &btf.Enum{Name: name, Values: []btf.EnumValue{{Name: "BLUE", Value: 7}, {Name: "PINK", Value: 9}}}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return sources[0]
}

// put writes v at the place of the field called name.
func put(tb testing.TB, src *field.Source, sample []byte, name string, v any) {
	tb.Helper()
	f := src.Lookup(name)
	if f == nil {
		tb.Fatalf("no field %q", name)
	}
	if s, ok := v.(string); ok {
		copy(sample[f.Offset:f.Offset+f.Size], s)
		return
	}
	b, err := binary.Append(nil, binary.NativeEndian, v)
	if err != nil || len(b) != int(f.Size) {
		tb.Fatalf("%s has %d bytes, got %d (%v)", name, f.Size, len(b), err)
	}
	copy(sample[f.Offset:], b)
}

func typesSample(tb testing.TB, src *field.Source) []byte {
	s := make([]byte, src.Size)
	for name, v := range map[string]any{
		"time_raw": uint64(1_500_000_000), "proc.comm": "a\"b\x1bc", "proc.pid": uint32(42), "proc.creds.uid": uint32(1000),
		"proc.creds.gid": uint32(7), "src.port": uint16(443), "src.version": uint8(4), "src.proto_raw": uint16(6),
		"gateway.version": uint8(6), "sig_raw": uint32(9), "error_raw": uint32(2), "mode_raw": uint32(0o104755),
		"flags_raw": uint32(0o2201101), "size_raw": uint64(123456), "took_raw": uint64(2500), "color_raw": uint32(9),
		"caps_raw": uint32(5), "temp_raw": int32(-5), "inner.small": int16(-2), "inner.bytes": [4]byte{1, 2, 3, 255},
		"ok": true, "tiny": int8(-1), "wide": int64(-1 << 40), "ratio": 0.25, "half": float32(1.5), "text": "héllo",
	} {
		put(tb, src, s, name, v)
	}
	src4 := src.Lookup("src")
	copy(s[src4.Offset:], []byte{192, 0, 2, 1})
	gw := src.Lookup("gateway")
	s[gw.Offset+15] = 1
	low := src.Lookup("low")
	binary.NativeEndian.PutUint32(s[low.Offset:], 5|0x1fff<<3|0x1d<<16)
	return s
}

func TestDecodeGolden(t *testing.T) {
	src := typesSource(t)
	sample := typesSample(t, src)
	for _, mode := range []output.Mode{output.JSONPretty, output.YAML, output.Columns} {
		t.Run(string(mode), func(t *testing.T) {
			enc, err := output.New(src, output.Options{Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "types."+string(mode)+".golden", enc.Event(enc.Header(nil), sample))
		})
	}
}

func FuzzDecode(f *testing.F) {
	src := typesSource(f)
	f.Add(typesSample(f, src))
	f.Add([]byte{})
	var encoders []output.Encoder
	for _, m := range []output.Mode{output.JSON, output.YAML, output.Columns} {
		enc, err := output.New(src, output.Options{Mode: m})
		if err != nil {
			f.Fatal(err)
		}
		encoders = append(encoders, enc)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sample := make([]byte, src.Size)
		copy(sample, data)
		checkLines(t, encoders, sample)
	})
}

// checkLines checks what holds for every sample: JSON is one valid line, and
// columns hold no control character but the newline at the end.
func checkLines(t *testing.T, encoders []output.Encoder, sample []byte) {
	t.Helper()
	line := encoders[0].Event(nil, sample)
	if !validJSONLine(line) {
		t.Errorf("no JSON line: %q", line)
	}
	encoders[1].Event(nil, sample)
	for i, c := range encoders[2].Event(nil, sample) {
		if c < 0x20 && c != '\n' {
			t.Errorf("control character %#x at %d of the columns", c, i)
		}
	}
}

func BenchmarkEvent(b *testing.B) {
	src := typesSource(b)
	sample := typesSample(b, src)
	for _, mode := range []output.Mode{output.Columns, output.JSON, output.YAML} {
		b.Run(string(mode), func(b *testing.B) {
			enc, err := output.New(src, output.Options{Mode: mode})
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = enc.Event(buf[:0], sample)
			}
		})
	}
}
