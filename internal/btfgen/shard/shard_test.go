package shard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// releases of the committed archives of debian/13/x86_64.
var releases = []string{"6.12.115+deb13-cloud-amd64", "6.12.117+deb13-cloud-amd64", "7.2.12+deb13-cloud-amd64"}

func kernelBTF(t testing.TB, release string) *btf.View {
	t.Helper()
	data, err := btfhub.ReadArchiveFile(filepath.Join("..", "testdata", "archive", "debian", "13", "x86_64", release+
		btfhub.ArchiveSuffix))
	if err != nil {
		t.Fatal(err)
	}
	v, err := btf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func objects(t testing.TB) []*core.Object {
	t.Helper()
	var out []*core.Object
	for _, name := range []string{"fields", "types", "matches", "enums"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name+".el.bpf.o"))
		if err != nil {
			t.Fatal(err)
		}
		o, err := core.ParseObject(name, data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// file returns an imported shard of the committed kernels.
func file(t testing.TB) []byte {
	t.Helper()
	b := NewBuilder("debian/13/x86_64", append(slices.Clone(releases), "never-added"))
	for i, r := range releases {
		if err := b.Add(i, kernelBTF(t, r)); err != nil {
			t.Fatal(err)
		}
	}
	var buf bytes.Buffer
	stats, err := b.Write(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Kernels != len(releases) || stats.Size != buf.Len() || stats.Definitions*2 > stats.References {
		t.Errorf("Write reports %+v", stats)
	}
	return buf.Bytes()
}

func open(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestOpen(t *testing.T) {
	f := open(t, file(t))
	if f.Path() != "debian/13/x86_64" {
		t.Errorf("Path = %q", f.Path())
	}
	var got []string
	for _, k := range f.Kernels() {
		got = append(got, k.Release)
	}
	if !slices.Equal(got, releases) {
		t.Errorf("Kernels = %q, want %q", got, releases)
	}
}

// TestReadsOnlyNeeded checks that of a large shard one block is read for one
// name.
func TestReadsOnlyNeeded(t *testing.T) {
	u32 := &cbtf.Int{Name: "unsigned int", Size: 4}
	var types []cbtf.Type
	for i := range 5000 {
		m := cbtf.Member{Name: fmt.Sprintf("member_%d", i), Type: u32}
		types = append(types, &cbtf.Struct{Name: fmt.Sprintf("struct_%04d", i), Size: 4, Members: []cbtf.Member{m}})
	}
	b := NewBuilder("debian/13/x86_64", []string{"x"})
	if err := b.Add(0, marshal(t, types...)); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	f := open(t, buf.Bytes())
	for _, name := range []string{"struct_0000", "struct_2500", "struct_4999", "struct_5000", "a", "z"} {
		if got, want := len(f.group(name).records) == 1, strings.HasPrefix(name, "struct_") &&
			name < "struct_5000"; got != want {
			t.Errorf("%q found: %v, want %v", name, got, want)
		}
	}
	read := 0
	for _, b := range f.blocks {
		if b.data != nil {
			read++
		}
	}
	if read > 3 || len(f.blocks) < 5 {
		t.Errorf("%d of %d blocks were read", read, len(f.blocks))
	}
}

// TestTwoOfOneName has a kernel with two structs of one name, both of which
// others contain: each reference must lead to its own.
func TestTwoOfOneName(t *testing.T) {
	u32, u64 := &cbtf.Int{Name: "unsigned int", Size: 4}, &cbtf.Int{Name: "long unsigned int", Size: 8}
	one := &cbtf.Struct{Name: "path", Size: 16, Members: []cbtf.Member{{Name: "dentry", Type: &cbtf.Pointer{Target: u32}}}}
	two := &cbtf.Struct{
		Name: "path", Size: 24, Members: []cbtf.Member{{Name: "dentry", Type: &cbtf.Pointer{Target: u64}, Offset: 128}},
	}
	v := marshal(t,
		&cbtf.Struct{Name: "file", Size: 24, Members: []cbtf.Member{{Name: "f_path", Type: two}}},
		&cbtf.Struct{Name: "dentry", Size: 16, Members: []cbtf.Member{{Name: "d_name", Type: one}}},
	)
	b := NewBuilder("debian/13/x86_64", []string{"x"})
	if err := b.Add(0, v); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	objs := objects(t)[:1]
	raw, err := core.NewRaw(v, core.RootNames(objs))
	if err != nil {
		t.Fatal(err)
	}
	want, err := core.Relocate(objs, raw, false)
	if err != nil {
		t.Fatal(err)
	}
	open(t, buf.Bytes()).Generate(objs, func(_ Kernel, got *core.Result, err error) {
		if err != nil || !bytes.Equal(got.BTF, want.BTF) {
			t.Errorf("the shard gives %v, %v, want what the BTF gives", got, err)
		}
	})
}

func marshal(t testing.TB, types ...cbtf.Type) *btf.View {
	t.Helper()
	b, err := cbtf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &cbtf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	v, err := btf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAddRefusesDamage adds kernels with references and strings outside, and
// with circles; the builder continues without them.
func TestAddRefusesDamage(t *testing.T) {
	word := binary.LittleEndian.AppendUint32
	raw := func(words ...uint32) *btf.View {
		var types []byte
		for _, w := range words {
			types = word(types, w)
		}
		b := []byte{0x9f, 0xeb, 1, 0}
		for _, w := range []uint32{24, 0, uint32(len(types)), uint32(len(types)), 3} {
			b = word(b, w)
		}
		v, err := btf.Parse(append(append(b, types...), 0, 'a', 0))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	structInfo, typedefInfo := uint32(4<<24|1), uint32(8<<24)
	b := NewBuilder("debian/13/x86_64", []string{"1", "2", "3", "4"})
	for i, v := range []*btf.View{
		raw(1, structInfo, 4, 0, 9, 0),              // member of type 9
		raw(1, structInfo, 4, 99, 0, 0),             // string offset 99
		raw(1, typedefInfo, 1),                      // typedef of itself
		raw(1, structInfo, 4, 0, 2, 0, 0, 2<<24, 2), // pointer to itself
	} {
		if err := b.Add(i, v); err == nil {
			t.Errorf("kernel %d is taken", i+1)
		}
	}
	var buf bytes.Buffer
	stats, err := b.Write(&buf)
	if err != nil || stats.Kernels != 0 || stats.Definitions != 0 {
		t.Errorf("Write = %+v, %v", stats, err)
	}
	if n := len(open(t, buf.Bytes()).Kernels()); n != 0 {
		t.Errorf("%d kernels in an empty shard", n)
	}
}

// TestDamage flips a bit of each part of the file. What a computation reads is
// verified; what it does not read does no harm.
func TestDamage(t *testing.T) {
	good := file(t)
	objs := objects(t)
	var want [][]byte
	open(t, good).Generate(objs, func(_ Kernel, r *core.Result, err error) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.BTF)
	})
	noticed := 0
	for at := 0; at < len(good); at += 41 {
		bad := bytes.Clone(good)
		bad[at] ^= 4
		f, err := Open(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			noticed++
			continue
		}
		i := 0
		f.Generate(objs, func(_ Kernel, r *core.Result, err error) {
			if err != nil {
				noticed++
			} else if !bytes.Equal(r.BTF, want[i]) {
				t.Errorf("byte %d: a flipped bit changes the result unnoticed", at)
			}
			i++
		})
		f.Close()
	}
	if noticed == 0 {
		t.Error("no damage was noticed")
	}
	for n := range 200 {
		if _, err := Open(bytes.NewReader(good[:n]), int64(n)); err == nil {
			t.Errorf("a file cut at %d is opened", n)
		}
	}
}

func TestOtherVersion(t *testing.T) {
	data := file(t)
	data[len(magic)]++
	_, err := Open(bytes.NewReader(data), int64(len(data)))
	if err == nil || errors.Is(err, errFormat) {
		t.Errorf("Open of another version = %v, want an error that says so", err)
	}
}

// FuzzBlock feeds damaged blocks past the checksums.
func FuzzBlock(f *testing.F) {
	good, objs := open(f, file(f)), objects(f)
	for i := range good.blocks {
		f.Add(good.load(&good.blocks[i]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &File{
			kernels: good.kernels, sets: good.sets, setLen: good.setLen,
			blocks: []block{{data: data}}, groups: map[string]*group{},
		}
		s.initSession()
		s.Generate(objs, func(_ Kernel, r *core.Result, err error) {
			if err != nil {
				return
			}
			if _, err := btf.Parse(r.BTF); err != nil {
				t.Errorf("damaged BTF comes out: %v", err)
			}
		})
	})
}

// FuzzIndex feeds damaged indexes past the checksum.
func FuzzIndex(f *testing.F) {
	good := file(f)
	n := binary.LittleEndian.Uint32(good[len(magic)+4:])
	s := open(f, good)
	index, err := s.unpack(int64(headerLen), int(n), int(binary.LittleEndian.Uint32(good[len(magic)+8:])),
		good[len(magic)+12:headerLen])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(index)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &File{groups: map[string]*group{}}
		if err := s.parseIndex(data, 0, 1<<20); err == nil && len(s.sets)%max(s.setLen, 1) != 0 {
			t.Error("sets of odd length")
		}
	})
}

// FuzzAdd feeds damaged kernels.
func FuzzAdd(f *testing.F) {
	u32 := &cbtf.Int{Name: "unsigned int", Size: 4}
	b, err := cbtf.NewBuilder([]cbtf.Type{
		&cbtf.Struct{Name: "s", Size: 8, Members: []cbtf.Member{{Name: "m", Type: &cbtf.Pointer{Target: u32}}}},
		&cbtf.Typedef{Name: "t", Type: &cbtf.Union{Size: 4}},
		&cbtf.Enum{Name: "e", Size: 4, Values: []cbtf.EnumValue{{Name: "v", Value: 1}}},
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := btf.Parse(data)
		if err != nil {
			return
		}
		b := NewBuilder("debian/13/x86_64", []string{"x"})
		if err := b.Add(0, v); err != nil {
			return
		}
		var buf bytes.Buffer
		if _, err := b.Write(&buf); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(bytes.NewReader(buf.Bytes()), int64(buf.Len())); err != nil {
			t.Errorf("what was written cannot be opened: %v", err)
		}
	})
}
