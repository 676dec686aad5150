package userprobe

import (
	"errors"
	"os"
	"testing"

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
	for kind, texts := range map[string][]string{
		"uprobe": {"", "libc", ":f", "libc:", "libc:f+0xzz"},
		"usdt":   {"libc:x", "libc:x:", ":a:b"},
	} {
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
	for _, text := range []string{
		"8%rax", "3@%rax", "8f@%xmm0", "8@%xmm0", "8@8(%rax,%rbx,4)", "8@(%rax", "8@$x",
		"8@sym(%rip)x",
	} {
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

// TestReturnsOfGo: what would crash a Go program is refused, by name and by pattern;
// a probe where a function begins is not.
func TestReturnsOfGo(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const name = "testing.tRunner"
	for _, test := range []struct {
		target Target
		want   error
	}{
		{Target{Symbol: name, Return: true}, errGoReturn},
		{Target{Symbol: "testing.tRun*", Return: true, Multi: true}, errGoReturn},
		{Target{Symbol: name}, nil},
		{Target{Symbol: "testing.tRun*", Multi: true}, nil},
	} {
		if _, err := test.target.places(f); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v, want %v", test.target, err, test.want)
		}
	}
}
