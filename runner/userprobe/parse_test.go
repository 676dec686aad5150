package userprobe

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		kind, text string
		want       Target
	}{
		{"uprobe", "libc:malloc", Target{Binary: "libc", Symbol: "malloc"}},
		{"uretprobe", "/bin/x:main.(*T).Do", Target{Binary: "/bin/x", Symbol: "main.(*T).Do", Return: true}},
		{"uprobe", "libc:memcpy@GLIBC_2.14+0x10", Target{Binary: "libc", Symbol: "memcpy@GLIBC_2.14", Offset: 16}},
		{"uprobe", "x:operator+", Target{Binary: "x", Symbol: "operator+"}},
		{"usdt", "libc:libc:setjmp", Target{Binary: "libc", Provider: "libc", Symbol: "setjmp", Static: true}},
		{"usdt", "x::name", Target{Binary: "x", Symbol: "name", Static: true}},
	} {
		got, err := Parse(c.kind, c.text)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.text, err, diff)
		}
	}
	for kind, texts := range map[string][]string{"uprobe": {"", "libc", ":f", "libc:", "libc:f+0xzz"}, "usdt": {"libc:x", "libc:x:", ":a:b"}} {
		for _, text := range texts {
			if got, err := Parse(kind, text); err == nil {
				t.Errorf("%s %q is taken as %+v", kind, text, got)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		arch arch.Arch
		text string
		want []argument
	}{
		{arch.AMD64, "-4@%edi 8@-24(%rbp) 1@$-5 2@(%r8)", []argument{
			{kind: argRegister, register: 112, signed: true, shift: 32},
			{kind: argMemory, register: 32, value: ^uint64(23)},
			{kind: argConstant, value: ^uint64(4), shift: 56},
			{kind: argMemory, register: 72, shift: 48},
		}},
		{arch.ARM64, "-4@[sp, 12] 8@x19 4@[x1] 8@-5", []argument{
			{kind: argMemory, register: 248, value: 12, signed: true, shift: 32},
			{kind: argRegister, register: 152},
			{kind: argMemory, register: 8, shift: 32},
			{kind: argConstant, value: ^uint64(4)},
		}},
	} {
		got, err := parseArguments(c.arch, c.text)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(argument{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.text, err, diff)
		}
	}
	for _, text := range []string{"8%rax", "3@%rax", "8f@%xmm0", "8@%xmm0", "8@8(%rax,%rbx,4)", "8@(%rax", "8@$x", "8@sym(%rip)x"} {
		if got, err := parseArguments(arch.AMD64, text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

func FuzzArguments(f *testing.F) {
	f.Add("-4@%edi 8@-24(%rbp) 1@$-5")
	f.Add("-4@[sp, 12] 8@x19")
	f.Fuzz(func(_ *testing.T, text string) {
		for _, a := range []arch.Arch{arch.AMD64, arch.ARM64} {
			if args, err := parseArguments(a, text); err == nil {
				encode(args)
			}
		}
	})
}

// TestCookieOfOthersConstants takes the constant out of a section that also has a
// constant of the kernel's configuration.
func TestCookieOfOthersConstants(t *testing.T) {
	boolean := &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	section := &btf.Datasec{Name: ".kconfig", Size: 8, Vars: []btf.VarSecinfo{
		{Type: &btf.Var{Name: "CONFIG_HZ", Type: &btf.Int{Size: 4}}, Offset: 0, Size: 4},
		{Type: &btf.Var{Name: cookieVariable, Type: boolean}, Offset: 4, Size: 1},
	}}
	load := func(offset uint32) asm.Instruction {
		return asm.LoadMapValue(asm.R1, 0, offset).WithReference(kconfigMap)
	}
	spec := &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{kconfigMap: {
			Name: kconfigMap, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Value: section,
		}},
		Programs: map[string]*ebpf.ProgramSpec{"p": {Instructions: asm.Instructions{load(0), load(4)}}},
	}
	if err := PrepareCookies(spec); err != nil {
		t.Skip(err)
	}
	own := spec.Maps[cookieMap]
	if own == nil || own.Contents[0].Value.([]byte)[4] != 1 {
		t.Fatalf("the map of the constant is %+v", own)
	}
	if left := spec.Maps[kconfigMap].Value.(*btf.Datasec).Vars; len(left) != 1 || left[0].Type.TypeName() != "CONFIG_HZ" {
		t.Errorf("left are %v", left)
	}
	ins := spec.Programs["p"].Instructions
	if ins[0].Reference() != kconfigMap || ins[1].Reference() != cookieMap {
		t.Errorf("the program refers to %q and %q", ins[0].Reference(), ins[1].Reference())
	}
}
