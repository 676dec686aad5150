package binary

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// open reads the headers of the file at path.
func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := New(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// build runs a compiler in a new directory with one source and returns the path of
// what it made; it skips without the compiler.
func build(t testing.TB, name, source string, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("needs %s", command[0])
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], append(command[1:], name)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GO111MODULE=off", "HOME="+dir, "GOCACHE="+goCache(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return filepath.Join(dir, "out")
}

func goCache(t testing.TB) string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if dir := strings.TrimSpace(string(out)); err == nil && filepath.IsAbs(dir) {
		return dir
	}
	return t.TempDir() // Bazel turns the cache off
}

const goSource = `package main

import "fmt"

//go:noinline
func Target(name string) int { fmt.Println(name); return len(name) }

func main() { Target("x") }
`

var cgoSource = strings.Replace(goSource, "import \"fmt\"",
	"// #include <stdlib.h>\nimport \"C\"\n\nimport \"fmt\"\n\nfunc init() { C.abs(1) }", 1)

// TestGoFunctions holds the functions of stripped Go binaries against the symbols
// of the same binary before it was stripped.
func TestGoFunctions(t *testing.T) {
	for _, c := range []struct {
		name, source string
		flags        []string
	}{
		{"plain", goSource, nil},
		{"pie", goSource, []string{"-buildmode=pie"}},
		{"cgo", cgoSource, nil},
		{"cgo-pie", cgoSource, []string{"-buildmode=pie"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "cgo") {
				if _, err := exec.LookPath("gcc"); err != nil {
					t.Skip("needs gcc")
				}
			}
			args := append([]string{"go", "build", "-o", "out"}, c.flags...)
			whole := build(t, "main.go", c.source, args...)
			stripped := build(t, "main.go", c.source, append(args, "-ldflags=-s")...)
			if open(t, stripped).HasSymbolTable() {
				t.Fatal("the linker did not strip the binary")
			}
			for _, name := range []string{"main.Target", "main.main", "runtime.mallocgc"} {
				want, ok, err := open(t, whole).Function(name)
				if !ok || err != nil {
					t.Fatalf("%s in the symbol table: %v, %v", name, ok, err)
				}
				checkGo(t, stripped, name)
				checkSame(t, whole, stripped, name, want)
			}
		})
	}
}

// checkGo looks name up by name and back by address.
func checkGo(t *testing.T, path, name string) {
	t.Helper()
	f := open(t, path)
	got, ok, err := f.Function(name)
	if !ok || err != nil {
		t.Fatalf("%s: %v, %v", name, ok, err)
	}
	table, err := f.Functions()
	if err != nil {
		t.Fatal(err)
	}
	back, offset := table.Find(got.Addr + 3)
	if string(back) != name || offset != 3 {
		t.Errorf("Find(%#x) = %q+%d, want %s+3", got.Addr+3, back, offset, name)
	}
}

// checkSame holds the code at name's place in the stripped file against that of
// the whole file.
func checkSame(t *testing.T, whole, stripped, name string, want Function) {
	t.Helper()
	a, b := open(t, whole), open(t, stripped)
	got, _, _ := b.Function(name)
	code := func(f *File, fn Function) []byte {
		offset, ok := f.FileOffset(fn.Addr)
		if !ok {
			t.Fatalf("%s: address %#x is not in the file", name, fn.Addr)
		}
		data, err := f.bytes(offset, 24, 24)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	// Only the first instructions: later ones may call what is elsewhere.
	if wantCode, gotCode := code(a, want)[:4], code(b, got)[:4]; !bytes.Equal(wantCode, gotCode) {
		t.Errorf("%s at %#x begins with % x, want % x", name, got.Addr, gotCode, wantCode)
	}
}

const cSource = `#include <stdlib.h>
__attribute__((noinline)) int first(int a) { return a + 1; }
__attribute__((noinline, visibility("default"))) int second(int a) { return first(a) * 2; }
__asm__(".symver old_third, third@V1\n.symver new_third, third@@V2");
__attribute__((noinline)) int old_third(int a) { return a - 3; }
__attribute__((noinline)) int new_third(int a) { return a - 4; }
`

const versionScript = "V1 { global: second; third; local: first; old_third; new_third; };\nV2 { } V1;\n"

// TestVersionsOfSymbols finds the versions of an exported function, in a library
// that has only those left.
func TestVersionsOfSymbols(t *testing.T) {
	script := filepath.Join(t.TempDir(), "versions")
	if err := os.WriteFile(script, []byte(versionScript), 0o600); err != nil {
		t.Fatal(err)
	}
	gcc := []string{"gcc", "-shared", "-fPIC", "-O1", "-Wl,--version-script=" + script, "-o", "out"}
	whole, stripped := open(t, build(t, "lib.c", cSource, gcc...)),
		open(t, build(t, "lib.c", cSource, append(gcc, "-s")...))
	at := func(f *File, name string) uint64 {
		fn, ok, err := f.Function(name)
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		return fn.Addr
	}
	old, current := at(whole, "old_third"), at(whole, "new_third")
	for name, want := range map[string]uint64{
		"third": current, "third@V2": current, "third@@V2": current, "third@V1": old, "second": at(whole, "second"),
	} {
		for what, f := range map[string]*File{"whole": whole, "stripped": stripped} {
			if got := at(f, name); got != want {
				t.Errorf("%s in the %s library is at %#x, want %#x", name, what, got, want)
			}
		}
	}
	if _, ok, err := stripped.Function("first"); ok || err != nil {
		t.Errorf("a function that was stripped: %v, %v", ok, err)
	}
	if _, ok, _ := stripped.Function("third@V3"); ok {
		t.Error("a version that there is not is found")
	}
	if id := stripped.BuildID(); len(id) != 20 {
		t.Errorf("the build id is %x", id)
	}
	table, err := whole.Functions()
	if err != nil {
		t.Fatal(err)
	}
	addr := at(whole, "first")
	if n := testing.AllocsPerRun(100, func() { table.Find(addr) }); n > 0 {
		t.Errorf("%v allocations a lookup", n)
	}
	if offset, ok := whole.FileOffset(addr); !ok {
		t.Error("the function is not in the file")
	} else if back, ok := whole.Address(offset); !ok || back != addr {
		t.Errorf("offset %#x is address %#x, want %#x", offset, back, addr)
	}
}

const probeSource = `#include <stdint.h>
uint16_t semaphore __attribute__((section(".probes")));
#define PROBE(args) __asm__ volatile( \
	"990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f,994f-993f,3\n" \
	"991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b, 0, semaphore\n" \
	".asciz \"prov\"\n.asciz \"name\"\n.asciz \"" args "\"\n994: .balign 4\n.popsection")
int main(int argc, char **argv) { PROBE("-4@$5"); PROBE("8@%rax"); return semaphore; }
`

func TestStaticProbes(t *testing.T) {
	f := open(t, build(t, "prog.c", probeSource, "gcc", "-no-pie", "-o", "out"))
	got, err := f.StaticProbes("prov", "name")
	if err != nil || len(got) != 2 || got[0].Arguments != "-4@$5" || got[1].Arguments != "8@%rax" {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, p := range got {
		if code, err := f.bytes(p.Location, 1, 1); err != nil || code[0] != 0x90 {
			t.Errorf("at %#x there is %x, want a nop; %v", p.Location, code, err)
		}
		if sem, err := f.bytes(p.Semaphore, 2, 2); p.Semaphore == 0 || err != nil || sem[0] != 0 {
			t.Errorf("the semaphore at %#x is %x, %v", p.Semaphore, sem, err)
		}
	}
	for _, c := range [][2]string{{"", "name"}, {"prov", "other"}, {"other", "name"}} {
		got, err := f.StaticProbes(c[0], c[1])
		if want := c[0] == ""; err != nil || (len(got) == 2) != want || (len(got) == 0) == want {
			t.Errorf("probes of %q: %d, %v", c, len(got), err)
		}
	}
}

func TestNotForThisMachine(t *testing.T) {
	for _, data := range []string{"", "\x7fELF", "#!/bin/sh\n" + strings.Repeat("x", 100), "\x7fELF\x02\x02" +
		strings.Repeat("\x00", 100)} {
		if _, err := New(strings.NewReader(data), int64(len(data))); err == nil {
			t.Errorf("%q is an ELF file", data)
		}
	}
}

// TestHugeHoles refuses tables that only a file with holes can hold.
func TestHugeHoles(t *testing.T) {
	data := readAll(t, build(t, "prog.c", probeSource, "gcc", "-no-pie", "-o", "out"))
	for i, n := 0, int(le.Uint16(data[60:])); i < n; i++ {
		header := data[le.Uint64(data[40:])+uint64(i)*64:]
		if i != int(le.Uint16(data[62:])) {
			le.PutUint64(header[32:], 1<<40)
		}
	}
	f, err := New(holes{bytes.NewReader(data)}, 1<<50)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Function("main"); err == nil {
		t.Error("a table of a terabyte is read")
	}
}

// holes is a reader of zeros after the end of another.
type holes struct{ *bytes.Reader }

func (h holes) ReadAt(p []byte, off int64) (int, error) {
	n, _ := h.Reader.ReadAt(p, off)
	clear(p[n:])
	return len(p), nil
}

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzFile(f *testing.F) {
	f.Add(readAll(f, build(f, "prog.c", probeSource, "gcc", "-no-pie", "-nostdlib", "-Wl,-emain", "-o", "out")))
	f.Add(goTableFile())
	f.Fuzz(func(_ *testing.T, data []byte) {
		file, err := New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		file.BuildID()
		file.DebugLink()
		_, _ = file.StaticProbes("", "name")
		_, _, _ = file.Function("third@V1")
		_, _, _ = file.Function("main.main")
		if t, err := file.Functions(); err == nil {
			t.Find(0x1000)
		}
	})
}

// goTableFile returns a file with one section, a table of one Go function.
func goTableFile() []byte {
	const table = 64
	out := make([]byte, table, 1024)
	copy(out, "\x7fELF\x02\x01\x01")
	body := le.AppendUint32(nil, goMagic120)
	body = append(body, 0, 0, 1, 8)
	for _, v := range []uint64{1, 0, 0x400000, 72, 0, 0, 0, 88} {
		body = le.AppendUint64(body, v)
	}
	body = append(body, "main.main\x00\x00\x00\x00\x00\x00\x00"...) // names, at 72
	for _, v := range []uint32{0, 12, 0x20, 0, 0} {                 // a pair, the end, entry and name
		body = le.AppendUint32(body, v)
	}
	out = append(out, body...)
	names := uint64(len(out))
	out = append(out, "\x00.gopclntab\x00"...)
	sections := uint64(len(out))
	for _, s := range [][6]uint64{{}, {1, 1, 0, table, uint64(len(body))}, {0, 3, 0, names, 12}} {
		out = le.AppendUint32(le.AppendUint32(out, uint32(s[0])), uint32(s[1]))
		for _, v := range []uint64{0, s[2], s[3], s[4], 0, 0, 0} {
			out = le.AppendUint64(out, v)
		}
		out = out[:len(out)-8]
		out = le.AppendUint64(out[:len(out)-8], 0)
		out = le.AppendUint64(out, 0)
	}
	le.PutUint64(out[40:], sections)
	le.PutUint16(out[58:], 64)
	le.PutUint16(out[60:], 3)
	le.PutUint16(out[62:], 2)
	return out
}

func TestGoTableOfOneFunction(t *testing.T) {
	data := goTableFile()
	f, err := New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if fn, ok, err := f.Function("main.main"); !ok || err != nil || fn != (Function{0x400000, 0x20}) {
		t.Errorf("%+v, %v, %v", fn, ok, err)
	}
}
