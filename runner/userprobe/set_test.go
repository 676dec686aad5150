package userprobe

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// counter is a program that adds one, and the cookie of its probe, to a map.
type counter struct {
	prog  *ebpf.Program
	total *ebpf.Map
}

func newCounter(t *testing.T) counter {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	total, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	if err != nil {
		t.Fatal(err)
	}
	add := func(key int64, value asm.Register) asm.Instructions {
		return asm.Instructions{
			asm.StoreImm(asm.R10, -4, key, asm.Word),
			asm.LoadMapPtr(asm.R1, total.FD()),
			asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "exit"),
			asm.StoreXAdd(asm.R0, value, asm.DWord),
		}
	}
	ins := asm.Instructions{asm.FnGetAttachCookie.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Imm(asm.R6, 1)}
	ins = append(append(ins, add(0, asm.R6)...), add(1, asm.R7)...)
	ins = append(ins, asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"), asm.Return())
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.Kprobe, Instructions: ins, License: "GPL"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close(); total.Close() })
	return counter{prog, total}
}

// take returns what was counted since the last call: calls, and their cookies.
func (c counter) take(t *testing.T) (calls, cookies uint64) {
	t.Helper()
	for i, dst := range []*uint64{&calls, &cookies} {
		if err := errors.Join(c.total.Lookup(uint32(i), dst), c.total.Put(uint32(i), uint64(0))); err != nil {
			t.Fatal(err)
		}
	}
	return calls, cookies
}

// program calls a function of libc that nothing else calls, as often as it is
// notified, and passes a static probe with a semaphore.
const program = `#include <stdlib.h>
#include <string.h>
#include <stdint.h>
volatile uint16_t semaphore __attribute__((section(".probes")));
__attribute__((noinline)) int probed(int n) {
	if (semaphore)
		__asm__ volatile("990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f,994f-993f,3\n"
			"991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b, 0, semaphore\n"
			".asciz \"prov\"\n.asciz \"name\"\n.asciz \"-4@%0\"\n994: .balign 4\n.popsection" :: "r"(n));
	return n;
}
int main(int argc, char **argv) {
	int n = atoi(argv[1]);
	char text[] = "a b";
	for (int i = 0; i < n; i++) {
		strfry(text);
		probed(i);
	}
	return 0;
}
`

func compile(t *testing.T, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "prog.c"), filepath.Join(dir, "prog")
	if err := os.WriteFile(src, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-O1", "-D_GNU_SOURCE", "-no-pie", "-o", out, src}, flags...)
	if msg, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, msg)
	}
	return out
}

// chroot makes a root directory with the program and a copy of what it is linked
// with.
func chroot(t *testing.T, prog string) string {
	t.Helper()
	out, err := exec.Command("ldd", prog).Output()
	if err != nil {
		t.Skip("needs ldd")
	}
	root := t.TempDir()
	put := func(from, to string) {
		data, err := os.ReadFile(from)
		to = filepath.Join(root, to)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	put(prog, "/usr/bin/prog")
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			put(word, word)
		}
	}
	return root
}

// calls runs the program, below root unless that is empty.
func calls(t *testing.T, path, root, times string) {
	t.Helper()
	cmd := exec.Command(path, times)
	if root != "" {
		cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Chroot: root}, "/"
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func newSet(t *testing.T, maps map[string]*ebpf.Map) *Set {
	t.Helper()
	s := NewSet(maps)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func target(t *testing.T, kind, s string) Target {
	t.Helper()
	got, err := Parse(kind, s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// expect fails unless the counter is want.
func expect(t *testing.T, c counter, what string, want uint64) {
	t.Helper()
	if got, _ := c.take(t); got != want {
		t.Errorf("%s: %d events, want %d", what, got, want)
	}
}

func TestLibraryOfAnotherRoot(t *testing.T) {
	c, prog := newCounter(t), compile(t)
	root := chroot(t, prog)
	s := newSet(t, nil)
	if err := s.Add(Probe{Program: c.prog, Target: target(t, "uprobe", "libc:strfry")}, Host); err != nil {
		t.Fatal(err)
	}
	calls(t, prog, "", "3")
	expect(t, c, "on the host", 3)
	calls(t, "/usr/bin/prog", root, "5")
	expect(t, c, "in a root that was not entered", 0)
	// Twice, as two containers of one image: each call is one event.
	for _, name := range []string{root, root + "/../" + filepath.Base(root)} {
		if n, err := s.Enter(name); n != 1 || err != nil {
			t.Fatalf("Enter(%s) = %d, %v", name, n, err)
		}
	}
	calls(t, "/usr/bin/prog", root, "5")
	expect(t, c, "in a root that was entered twice", 5)
	if err := s.Leave(root); err != nil {
		t.Fatal(err)
	}
	calls(t, "/usr/bin/prog", root, "2")
	expect(t, c, "after one of two left", 2)
	if err := s.Leave(root + "/../" + filepath.Base(root)); err != nil {
		t.Fatal(err)
	}
	calls(t, "/usr/bin/prog", root, "2")
	expect(t, c, "after both left", 0)
}

func TestProgramsAndReturns(t *testing.T) {
	c, prog := newCounter(t), compile(t)
	root := chroot(t, prog)
	s := newSet(t, nil)
	if err := s.Add(Probe{Program: c.prog, Target: target(t, "uretprobe", "prog:probed")}, root); err != nil {
		t.Fatal(err)
	}
	calls(t, "/usr/bin/prog", root, "4")
	expect(t, c, "a program found by PATH", 4)
	for _, missing := range []string{"prog:no_such_function", "libnosuch:f", "/usr/bin/none:f"} {
		err := s.Add(Probe{Program: c.prog, Target: target(t, "uprobe", missing)}, root)
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, link.ErrNoSymbol) {
			t.Errorf("%s: %v", missing, err)
		}
	}
	if err := s.Add(Probe{Program: c.prog, Target: target(t, "uprobe", "prog:probed+100000")}, root); err == nil {
		t.Error("an offset beyond the function is taken")
	}
}

func TestStaticProbe(t *testing.T) {
	c, prog := newCounter(t), compile(t)
	specs, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: specSize, MaxEntries: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer specs.Close()
	s := newSet(t, map[string]*ebpf.Map{specsMap: specs})
	// Number 0 is taken, so that the cookie of the probe is 1.
	if _, err := s.specs.add("8@$7"); err != nil {
		t.Fatal(err)
	}
	calls(t, prog, "", "3")
	expect(t, c, "without a probe", 0)
	if err := s.Add(Probe{Program: c.prog, Target: target(t, "usdt", prog+":prov:name")}, Host); err != nil {
		t.Fatal(err)
	}
	calls(t, prog, "", "3")
	if n, cookies := c.take(t); n != 3 || cookies != 3 {
		t.Errorf("%d events, the sum of cookies is %d; want 3 and 3", n, cookies)
	}
	var first, second [specSize]byte
	if err := errors.Join(specs.Lookup(uint32(0), &first), specs.Lookup(uint32(1), &second)); err != nil {
		t.Fatal(err)
	}
	if first[0] != 7 || second[8] != argRegister || second[14] != 1 || second[15] != 32 {
		t.Errorf("entries % x and % x", first[:16], second[:16])
	}
	if err := s.Add(Probe{Program: c.prog, Target: target(t, "usdt", prog+":prov:other")}, Host); !errors.Is(err,
		link.ErrNoSymbol) {
		t.Errorf("a probe that there is not: %v", err)
	}
}
