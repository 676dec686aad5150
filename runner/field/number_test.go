package field

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// build makes the data source "x" of single events of a struct.
func build(t testing.TB, typ *btf.Struct, opts Options) *Source {
	t.Helper()
	opts.Name = "x"
	src, err := Build(typ, opts)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// lookup returns the field of src that users call name.
func lookup(t testing.TB, src *Source, name string) *Field {
	t.Helper()
	f := src.Lookup(name)
	if f == nil {
		t.Fatalf("no field %q among %q", name, names(src.All()))
	}
	return f
}

// text returns what the field of src that users call name shows of sample.
func text(t testing.TB, src *Source, name string, sample []byte) string {
	t.Helper()
	return string(lookup(t, src, name).Append(nil, sample))
}

func signedInt(size uint32) *btf.Int { return &btf.Int{Name: "int", Size: size, Encoding: btf.Signed} }

// TestNumbers shows the least and the greatest value of every type of numbers, in
// the middle of an event whose other bytes are set.
func TestNumbers(t *testing.T) {
	boolean := &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	state := &btf.Enum{Name: "state", Size: 4, Signed: true}
	for _, tc := range []struct {
		name  string
		typ   btf.Type
		bytes string
		kind  Kind
		want  string
	}{
		{"u8 least", u8, "\x00", Uint, "0"},
		{"u8 greatest", u8, "\xff", Uint, "255"},
		{"u16", &btf.Int{Name: "short", Size: 2}, "\xfe\xff", Uint, "65534"},
		{"u32", u32, "\xff\xff\xff\xff", Uint, "4294967295"},
		{"u64", u64, "\xff\xff\xff\xff\xff\xff\xff\xff", Uint, "18446744073709551615"},
		{"s8 least", signedInt(1), "\x80", Int, "-128"},
		{"s8 greatest", signedInt(1), "\x7f", Int, "127"},
		{"s16", signedInt(2), "\x00\x80", Int, "-32768"},
		{"s32", signedInt(4), "\x00\x00\x00\x80", Int, "-2147483648"},
		{"s64", signedInt(8), "\x00\x00\x00\x00\x00\x00\x00\x80", Int, "-9223372036854775808"},
		{"false", boolean, "\x00", Bool, "false"},
		{"true", boolean, "\x01", Bool, "true"},
		{"true of another bit", boolean, "\x80", Bool, "true"},
		{"number of an enum", state, "\xfb\xff\xff\xff", Int, "-5"},
		{"char", char, "A", Int, "65"},
		{"name of a type", typedef("pid_t", signedInt(4)), "\x07\x00\x00\x00", Int, "7"},
		{"volatile const", &btf.Volatile{Type: &btf.Const{Type: u8}}, "\x07", Uint, "7"},
		{"float", &btf.Float{Name: "float", Size: 4}, "\x00\x00\xc0\x3f", Float, "1.5"},
		{"float as short as it can be", &btf.Float{Name: "float", Size: 4}, "\xcd\xcc\xcc\x3d", Float, "0.1"},
		{"double", &btf.Float{Name: "double", Size: 8}, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", Float, "0.1"},
		{"double without a number", &btf.Float{Name: "double", Size: 8}, "\x00\x00\x00\x00\x00\x00\xf8\x7f", Float, "null"},
		{"infinite float", &btf.Float{Name: "float", Size: 4}, "\x00\x00\x80\xff", Float, "null"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const before = "\xff\xff\xff\xff\xff\xff\xff\xff"
			src := build(t, pack("event", 24, member("value", 8, tc.typ)), Options{})
			f := lookup(t, src, "value")
			sample := append([]byte(before+tc.bytes+before), before...)[:24]
			if got := string(f.Append([]byte("value "), sample)); got != "value "+tc.want {
				t.Errorf("shown as %q, want %q", got, tc.want)
			}
			if f.Kind != tc.kind {
				t.Errorf("it is of kind %s, want %s", f.Kind, tc.kind)
			}
		})
	}
}

// TestFloatsAsNumbers gives filters and metrics the value of both sizes as a double.
func TestFloatsAsNumbers(t *testing.T) {
	src := build(t, pack("event", 16,
		member("half", 0, &btf.Float{Name: "float", Size: 4}), member("full", 8, &btf.Float{Name: "double", Size: 8}),
	), Options{})
	sample := []byte("\x00\x00\xc0\xbf....\x00\x00\x00\x00\x00\x00\xf8\xbf")
	for _, name := range []string{"half", "full"} {
		if got := math.Float64frombits(lookup(t, src, name).Number(sample)); got != -1.5 {
			t.Errorf("%s is %v, want -1.5", name, got)
		}
	}
}

// TestBitfields reads members of bits as the C compiler lays them out: the lowest
// bits first, over the ends of bytes.
func TestBitfields(t *testing.T) {
	bits := func(name string, typ btf.Type, offset, size uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, Offset: btf.Bits(offset), BitfieldSize: btf.Bits(size)}
	}
	flag := &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	inner := pack("inner", 8, bits("x", u32, 0, 4), bits("y", u32, 4, 6))
	src := build(t, pack("event", 24,
		bits("low", u32, 0, 3), bits("mid", u32, 3, 13), bits("neg", signedInt(4), 16, 5), bits("flag", flag, 21, 1),
		bits("one", signedInt(4), 22, 1), bits("wide", u64, 64, 61), bits("last", u32, 125, 3),
		member("inner", 16, inner),
	), Options{})
	sample := make([]byte, 24)
	copy(sample, []byte{0b11111_101, 0b0000_0001, 0b01_1_11101})
	copy(sample[8:], "\xff\xff\xff\xff\xff\xff\xff\xbf")
	copy(sample[16:], []byte{0b1010_0110, 0b10})
	for name, want := range map[string]string{
		"low": "5", "mid": "63", "neg": "-3", "flag": "true", "one": "-1", "wide": "2305843009213693951", "last": "5",
		"inner.x": "6", "inner.y": "42",
	} {
		if got := text(t, src, name, sample); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}

// TestArrays shows arrays of numbers as JSON, up to the end of the event.
func TestArrays(t *testing.T) {
	array := func(typ btf.Type, n uint32) *btf.Array { return &btf.Array{Type: typ, Nelems: n} }
	for name, tc := range map[string]struct {
		typ  btf.Type
		want string
	}{
		"bytes":                  {array(u8, 4), "[1,0,0,255]"},
		"signed bytes of a name": {array(typedef("__s8", signedInt(1)), 4), "[1,0,0,-1]"},
		"one":                    {array(u32, 1), "[4278190081]"},
		"signed":                 {array(signedInt(2), 2), "[1,-256]"},
		"booleans":               {array(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}, 4), "[true,false,false,true]"},
		"enums":                  {array(&btf.Enum{Name: "e", Size: 2}, 2), "[1,65280]"},
		"floats":                 {array(&btf.Float{Name: "float", Size: 4}, 1), "[-1.701412e+38]"},
	} {
		t.Run(name, func(t *testing.T) {
			src := build(t, pack("event", 4, member("value", 0, tc.typ)), Options{})
			got := text(t, src, "value", []byte{1, 0, 0, 255})
			if got != tc.want || !json.Valid([]byte(got)) {
				t.Errorf("shown as %s, want %s", got, tc.want)
			}
		})
	}
}
