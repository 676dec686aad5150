package core_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// marshal returns the raw BTF of a kernel with these types.
func marshal(t testing.TB, types ...cbtf.Type) []byte {
	t.Helper()
	b, err := cbtf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &cbtf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parseObject(t testing.TB, name string) *core.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	o, err := core.ParseObject(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func relocate(t testing.TB, o *core.Object, raw []byte) (*core.Result, error) {
	t.Helper()
	objects := []*core.Object{o}
	v, err := btf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := core.NewRaw(v, core.RootNames(objects))
	if err != nil {
		return nil, err
	}
	return core.Relocate(objects, kernel, v.BigEndian())
}

func mustRelocate(t testing.TB, o *core.Object, raw []byte) *core.Result {
	t.Helper()
	res, err := relocate(t, o, raw)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// outcomes returns the outcome of each relocation by "kind access".
func outcomes(o *core.Object, res *core.Result) map[string]string {
	out := map[string]string{}
	for i, r := range o.Relocations {
		out[r.Kind.String()+" "+r.Access] = res.Status[0][i].String()
	}
	return out
}

var (
	u32 = &cbtf.Int{Name: "unsigned int", Size: 4}
	s32 = &cbtf.Int{Name: "int", Size: 4, Encoding: cbtf.Signed}
	u64 = &cbtf.Int{Name: "long unsigned int", Size: 8}
)

func strct(name string, size uint32, members ...cbtf.Member) *cbtf.Struct {
	return &cbtf.Struct{Name: name, Size: size, Members: members}
}

func member(name string, byteOffset uint32, typ cbtf.Type) cbtf.Member {
	return cbtf.Member{Name: name, Type: typ, Offset: cbtf.Bits(byteOffset * 8)}
}

// TestAmbiguous has two different structs of one name: what they disagree in
// is ambiguous, what they agree in is not, and the rest continues.
func TestAmbiguous(t *testing.T) {
	o := parseObject(t, "fields.el.bpf.o")
	raw := marshal(t,
		strct("cred", 8, member("uid", 0, &cbtf.Typedef{Name: "kuid_t", Type: strct("", 4, member("val", 0, u32))})),
		strct("cred", 12, member("uid", 4, &cbtf.Typedef{Name: "kuid_t", Type: strct("", 4, member("val", 0, u32))})),
		strct("file", 8, member("f_mode", 4, u32)),
		strct("file", 16, member("other", 4, u32), member("f_mode", 4, u32)),
		strct("kernfs_node", 8, member("id", 0, u64)),
	)
	got := outcomes(o, mustRelocate(t, o, raw))
	for access, want := range map[string]string{
		"field_byte_offset cred.uid.val":    "ambiguous",
		"field_byte_size file.f_mode":       "resolved",
		"field_byte_offset kernfs_node.id":  "resolved",
		"field_byte_offset task_struct.pid": "absent",
	} {
		if got[access] != want {
			t.Errorf("%s is %s, want %s", access, got[access], want)
		}
	}
}

// TestForwardTypeTarget is what bpftool gives up on: a type relocation that
// leads to a forward declaration, here through a prototype.
func TestForwardTypeTarget(t *testing.T) {
	o := parseObject(t, "matches.el.bpf.o")
	raw := marshal(t, &cbtf.Typedef{Name: "btf_trace_sched_process_exit", Type: &cbtf.Pointer{Target: &cbtf.FuncProto{
		Return: (*cbtf.Void)(nil),
		Params: []cbtf.FuncParam{
			{Type: &cbtf.Pointer{Target: (*cbtf.Void)(nil)}},
			{Type: &cbtf.Pointer{Target: &cbtf.Fwd{Name: "task_struct", Kind: cbtf.FwdStruct}}},
		},
	}}})
	res := mustRelocate(t, o, raw)
	if got := outcomes(o, res)["type_matches btf_trace_sched_process_exit"]; got != "resolved" {
		t.Errorf("the relocation is %s, want resolved", got)
	}
	if !bytes.Contains(res.BTF, []byte("\x00task_struct\x00")) {
		t.Error("the forward declaration is missing in the minimal BTF")
	}
}

// TestEnum64 keeps values of more than 32 bits: all, since the object needs one.
func TestEnum64(t *testing.T) {
	o := parseObject(t, "enums.el.bpf.o")
	enum := &cbtf.Enum{Name: "scx_public_consts", Size: 8, Values: []cbtf.EnumValue{
		{Name: "SCX_FIRST", Value: 1}, {Name: "SCX_SLICE_INF", Value: 1<<64 - 1},
	}}
	res := mustRelocate(t, o, marshal(t, enum))
	spec, err := cbtf.LoadSpecFromReader(bytes.NewReader(res.BTF))
	if err != nil {
		t.Fatal(err)
	}
	var got *cbtf.Enum
	if err := spec.TypeByName("scx_public_consts", &got); err != nil {
		t.Fatal(err)
	}
	if got.Size != 8 || !cmp.Equal(got.Values, enum.Values) {
		t.Errorf("kept %+v, want %+v", got, enum)
	}
}

// TestNoiseIgnored checks that order, unrelated types, tags and typedefs
// of a kernel leave no trace in the bytes.
func TestNoiseIgnored(t *testing.T) {
	o := parseObject(t, "fields.el.bpf.o")
	file := func(mode cbtf.Type) *cbtf.Struct { return strct("file", 8, member("f_mode", 4, mode)) }
	node := strct("kernfs_node", 8, member("id", 0, u64))
	plain := mustRelocate(t, o, marshal(t, file(u32), node)).BTF
	noisy := marshal(t,
		strct("unrelated", 4, member("f_mode", 0, s32)),
		&cbtf.Var{Name: "jiffies", Type: u64, Linkage: cbtf.GlobalVar},
		&cbtf.Datasec{Name: ".data", Size: 8, Vars: []cbtf.VarSecinfo{{Type: &cbtf.Var{Name: "x", Type: u64}, Size: 8}}},
		&cbtf.Func{Name: "file", Type: &cbtf.FuncProto{Return: s32}},
		&cbtf.Float{Name: "double", Size: 8},
		node,
		file(&cbtf.Const{Type: &cbtf.TypeTag{
			Value: "rcu", Type: &cbtf.Typedef{Name: "fmode_t", Type: &cbtf.Volatile{Type: u32}},
		}}),
	)
	if got := mustRelocate(t, o, noisy).BTF; !bytes.Equal(got, plain) {
		t.Errorf("noise shows:\n%q\n%q", plain, got)
	}
	if other := mustRelocate(t, o, marshal(t, file(s32), node)).BTF; bytes.Equal(other, plain) {
		t.Error("a different kernel gives equal bytes")
	}
}

// TestSameResultForBothByteOrders compares an object of either byte order.
func TestSameResultForBothByteOrders(t *testing.T) {
	for _, name := range []string{"fields", "types", "matches", "enums"} {
		el, eb := parseObject(t, name+".el.bpf.o"), parseObject(t, name+".eb.bpf.o")
		if len(el.Relocations) == 0 || len(el.Relocations) != len(eb.Relocations) {
			t.Fatalf("%s: %d and %d relocations", name, len(el.Relocations), len(eb.Relocations))
		}
		for i := range el.Relocations {
			a, b := el.Relocations[i], eb.Relocations[i]
			if a.Kind != b.Kind || a.Access != b.Access || a.Program != b.Program || a.Insn != b.Insn || a.Source != b.Source {
				t.Errorf("%s: relocation %d is %+v and %+v", name, i, a, b)
			}
		}
	}
}

// TestBigEndianKernel reads a kernel of the other byte order and writes its
// minimal BTF in the same.
func TestBigEndianKernel(t *testing.T) {
	o := parseObject(t, "fields.eb.bpf.o")
	b, err := cbtf.NewBuilder([]cbtf.Type{strct("kernfs_node", 8, member("id", 0, u64))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &cbtf.MarshalOptions{Order: binary.BigEndian})
	if err != nil {
		t.Fatal(err)
	}
	res := mustRelocate(t, o, raw)
	if binary.BigEndian.Uint16(res.BTF) != 0xeb9f {
		t.Error("the minimal BTF has another byte order than the kernel")
	}
	if got := outcomes(o, res)["field_byte_offset kernfs_node.id"]; got != "resolved" {
		t.Errorf("the relocation is %s, want resolved", got)
	}
}

// TestGuards checks what counts as guarded.
func TestGuards(t *testing.T) {
	o := parseObject(t, "fields.el.bpf.o")
	got := map[string]bool{}
	for _, r := range o.Relocations {
		got[r.Kind.String()+" "+r.Access] = r.Guarded
	}
	for access, want := range map[string]bool{
		"field_exists no_such_struct.member":                      true,
		"field_byte_offset no_such_struct.member":                 true,
		"field_byte_offset task_struct___weak.field_of_no_kernel": true,
		"field_byte_offset file.f_path.dentry":                    false,
		"field_byte_offset task_struct.pid":                       false,
		"field_byte_offset kernfs_node.id":                        false,
	} {
		if g, ok := got[access]; !ok || g != want {
			t.Errorf("%s: guarded %v (there: %v), want %v", access, g, ok, want)
		}
	}
}

// TestEndlessTypes has types that contain themselves.
func TestEndlessTypes(t *testing.T) {
	o := parseObject(t, "fields.el.bpf.o")
	self := &cbtf.Struct{Name: "cred", Size: 8}
	anon := &cbtf.Struct{Size: 8}
	anon.Members = []cbtf.Member{{Type: anon}, {Type: anon}, {Type: anon}}
	self.Members = []cbtf.Member{{Name: "uid", Type: self}, {Type: anon}}
	file := strct("file", 8, member("", 0, anon))
	res, err := relocate(t, o, marshal(t, self, file))
	if !errors.Is(err, core.ErrWork) {
		t.Errorf("Relocate = %v, %v, want ErrWork", res, err)
	}
}

// TestPrograms checks which programs a relocation belongs to, also when it is
// in a function that they call.
func TestPrograms(t *testing.T) {
	for _, end := range []string{"el", "eb"} {
		got := map[string][]string{}
		for _, r := range parseObject(t, "calls."+end+".bpf.o").Relocations {
			got[r.Access] = r.Programs
		}
		want := map[string][]string{
			"task_struct.pid":  {"direct", "indirect"},
			"task_struct.tgid": {"indirect", "alone"},
		}
		for _, list := range got {
			slices.Sort(list)
		}
		for _, list := range want {
			slices.Sort(list)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("programs in the bpf%s object (-want +got):\n%s", end, diff)
		}
	}
}
