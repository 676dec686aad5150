package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestMergeNamelessMembers checks that a member that only -fms-extensions knows is written out in place.
func TestMergeNamelessMembers(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	tagged := &btf.Struct{Name: "tagged", Size: 4, Members: []btf.Member{{Name: "x", Type: u32}}}
	outer := &btf.Struct{Name: "outer", Size: 4, Members: []btf.Member{{Type: tagged}}}
	nameless(outer)
	got, isStruct := outer.Members[0].Type.(*btf.Struct)
	if !isStruct || got.Name != "" || len(got.Members) != 1 || got.Members[0].Name != "x" {
		t.Errorf("the member's type is %+v, want a struct without a name that has x", outer.Members[0].Type)
	}
	if tagged.Name != "tagged" {
		t.Errorf("the type itself lost its name")
	}
}

// TestMergeKeepsKernelTypes checks that types of the kernel come first, and that equal types are written once.
func TestMergeKeepsKernelTypes(t *testing.T) {
	proto := &btf.FuncProto{Return: (*btf.Void)(nil)}
	k := &kernelTypes{named: map[string]btf.Type{}}
	for range 2 {
		k.types = append(k.types, &btf.Struct{
			Name: "task", Size: 4, Members: []btf.Member{{Name: "pid", Type: &btf.Int{Name: "int", Size: 4}}},
		},
			&btf.Func{Name: "bpf_kf", Type: proto, Tags: []string{"bpf_kfunc"}})
	}
	raw, err := k.marshal()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var task *btf.Struct
	if err := spec.TypeByName("task", &task); err != nil {
		t.Errorf("one struct task: %v", err)
	}
	var kfunc *btf.Func
	if err := spec.TypeByName("bpf_kf", &kfunc); err != nil || len(kfunc.Tags) != 1 {
		t.Errorf("kfunc %+v, %v, want it with its tag", kfunc, err)
	}
}

// spec returns BTF of its own with types.
func spec(t *testing.T, types ...btf.Type) *btf.Spec {
	t.Helper()
	builder, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// merge returns the BTF with the types of all specs, as it is written.
func merge(t *testing.T, specs ...*btf.Spec) *btf.Spec {
	t.Helper()
	k := collect(t, specs...)
	k.share()
	return written(t, k)
}

// collect returns the types of all specs.
func collect(t *testing.T, specs ...*btf.Spec) *kernelTypes {
	t.Helper()
	k := &kernelTypes{named: map[string]btf.Type{}}
	for _, s := range specs {
		if err := k.addSpec(s); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// written returns the types as they are in the BTF.
func written(t *testing.T, k *kernelTypes) *btf.Spec {
	t.Helper()
	raw, err := k.marshal()
	if err != nil {
		t.Fatal(err)
	}
	merged, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// TestMergeOlderKernel checks that a type that the newer kernel no longer has is kept, and refers to the newer kernel's
// types.
func TestMergeOlderKernel(t *testing.T) {
	integer := &btf.Int{Name: "int", Size: 4}
	member := func(name string, typ btf.Type) btf.Member { return btf.Member{Name: name, Type: typ} }
	task := &btf.Struct{Name: "task", Size: 8, Members: []btf.Member{
		member("pid", integer), {Name: "new", Type: integer, Offset: 32},
	}}
	oldTask := &btf.Struct{Name: "task", Size: 4, Members: []btf.Member{member("pid", integer)}}
	gone := &btf.Struct{
		Name: "gone", Size: 8, Members: []btf.Member{member("task", &btf.Pointer{Target: &btf.Const{Type: oldTask}})},
	}
	merged := merge(t, spec(t, task), spec(t, gone))
	tasks, err := merged.AnyTypesByName("task")
	if err != nil || len(tasks) != 1 || tasks[0].(*btf.Struct).Size != 8 {
		t.Errorf("the types task are %v, %v, want the newer kernel's alone", tasks, err)
	}
	var kept *btf.Struct
	if err := merged.TypeByName("gone", &kept); err != nil || len(kept.Members) != 1 {
		t.Errorf("struct gone is %v, %v", kept, err)
	}
}

// TestMergeForwardEnum checks that an enum that is only declared in one place has the values of another.
func TestMergeForwardEnum(t *testing.T) {
	user := func(enum *btf.Enum) btf.Type {
		return &btf.Struct{Name: "user", Size: 4, Members: []btf.Member{{Name: "x", Type: enum}}}
	}
	full := &btf.Enum{Name: "x", Size: 4, Values: []btf.EnumValue{{Name: "X_ONE", Value: 1}}}
	merged := merge(t, spec(t, user(&btf.Enum{Name: "x", Size: 4})), spec(t, full))
	var got *btf.Struct
	if err := merged.TypeByName("user", &got); err != nil {
		t.Fatal(err)
	}
	if enum := got.Members[0].Type.(*btf.Enum); len(enum.Values) != 1 {
		t.Errorf("the member's enum has the values %v", enum.Values)
	}
}

// TestMergeValues checks which values of enums keep their names, and that those of an enum without a name are there.
func TestMergeValues(t *testing.T) {
	enum := func(name string, values ...string) *btf.Enum {
		e := &btf.Enum{Name: name, Size: 4}
		for i, v := range values {
			e.Values = append(e.Values, btf.EnumValue{Name: v, Value: uint64(i)})
		}
		return e
	}
	merged := merge(t, spec(t, enum("driver", "OPEN", "DRIVER_CLOSE"), enum("vm_event_item", "PGFAULT"),
		enum("", "BPF_ANY", "NONE")))
	var got []string
	for typ, err := range merged.All() {
		if err != nil {
			t.Fatal(err)
		}
		if e, isEnum := typ.(*btf.Enum); isEnum {
			for _, v := range e.Values {
				got = append(got, v.Name)
			}
		}
	}
	slices.Sort(got)
	want := []string{"BPF_ANY", "DRIVER_CLOSE", "NONE___enum", "OPEN___driver", "PGFAULT"}
	if !slices.Equal(got, want) {
		t.Errorf("the values are %q, want %q", got, want)
	}
}

// TestFlavorModules checks which types that an image does not have get the flavor, with all that refers to them.
func TestFlavorModules(t *testing.T) {
	integer := &btf.Int{Name: "int", Size: 4}
	structure := func(name string, members ...btf.Member) *btf.Struct {
		return &btf.Struct{Name: name, Size: 4 * uint32(len(members)), Members: members}
	}
	number := btf.Member{Name: "x", Type: integer}
	image := spec(t, structure("request", number))
	stream, id := structure("stream", number), &btf.Typedef{Name: "uint64", Type: integer}
	user := structure("smb_user", btf.Member{Name: "stream", Type: stream}, btf.Member{Name: "id", Type: id, Offset: 32})
	other := &btf.Struct{Name: "other_user", Size: 8, Members: []btf.Member{
		{Name: "stream", Type: &btf.Pointer{Target: &btf.Fwd{Name: "stream", Kind: btf.FwdStruct}}},
	}}
	k := collect(t, image, spec(t, user, structure("request", number, number)),
		spec(t, other, &btf.Enum{Name: "criteria", Size: 4}))
	k.share()
	k.flavorModules(map[string]bool{"struct request": true})
	var got []string
	for typ, err := range written(t, k).All() {
		if err != nil {
			t.Fatal(err)
		}
		if name := typeName(typ); name != nil {
			got = append(got, *name)
		}
	}
	slices.Sort(got)
	want := []string{
		"criteria___module", "other_user", "request", "smb_user", "stream___module", "stream___module", "uint64___module",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the types are %q, want %q", got, want)
	}
}
