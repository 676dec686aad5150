package symbolizer

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/binary"
)

const maps = `55d0c0a00000-55d0c0a01000 r--p 00000000 fd:00 131 /usr/bin/my prog
55d0c0a01000-55d0c0a02000 r-xp 00001000 fd:00 131                        /usr/bin/my prog
7f0000000000-7f0000001000 rwxp 00000000 00:00 0
7f0000002000-7f0000003000 r-xp 00005000 fd:00 99 /lib/gone.so (deleted)
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0 [vdso]
`

func TestMaps(t *testing.T) {
	got, err := parseMaps(strings.NewReader(maps))
	want := []mapping{
		{0x55d0c0a01000, 0x55d0c0a02000, 0x1000, 131, "/usr/bin/my prog"},
		{0x7f0000000000, 0x7f0000001000, 0, 0, ""},
		{0x7f0000002000, 0x7f0000003000, 0x5000, 99, "/lib/gone.so"},
		{0x7ffd00000000, 0x7ffd00001000, 0, 0, "[vdso]"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for addr, i := range map[uint64]int{
		0x55d0c0a00fff: -1, 0x55d0c0a01000: 0, 0x7f0000002fff: 2, 0x7f0000003000: -1,
		0: -1,
	} {
		if got := findMapping(want, addr); got != i {
			t.Errorf("%#x is in mapping %d, want %d", addr, got, i)
		}
	}
}

func FuzzMaps(f *testing.F) {
	f.Add(maps)
	f.Fuzz(func(_ *testing.T, s string) {
		if m, err := parseMaps(strings.NewReader(s)); err == nil {
			findMapping(m, 0x7f0000002fff)
		}
	})
}

// program prints the addresses of a function of its own and of one of libc, then
// waits for its stdin to end.
const program = `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) int inner_function(int a) { return a * 3 + getpid(); }
int main(int argc, char **argv) {
	printf("%lx %lx\n", (unsigned long)inner_function, (unsigned long)qsort);
	fflush(stdout);
	char c;
	return read(0, &c, 1) + inner_function(argc) - inner_function(argc);
}
`

// compile builds the program as name in a new directory.
func compile(t testing.TB, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "prog.c"), filepath.Join(dir, "prog")
	if err := os.WriteFile(src, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-O1", "-g", "-o", out, src}, flags...)
	if msg, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, msg)
	}
	return out
}

// started is a running program and where its functions are.
type started struct {
	process     Process
	inner, libc uint64
	stop        func()
}

// start runs the program at path, below root when that is not empty.
func start(t testing.TB, path, root string) started {
	t.Helper()
	cmd := exec.Command(path)
	if root != "" {
		cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Chroot: root}, "/"
	}
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	stop := func() { stdin.Close(); _ = cmd.Wait() }
	t.Cleanup(stop)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := started{process: Process{PID: uint32(cmd.Process.Pid), Hash: 1}, stop: stop}
	if _, err := fmt.Sscanf(line, "%x %x", &s.inner, &s.libc); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFunctionsOfPrograms(t *testing.T) {
	for _, c := range []struct {
		name        string
		flags       []string
		inner, libc string
	}{
		{"pie", []string{"-fPIE", "-pie"}, "inner_function", "qsort"},
		{"fixed", []string{"-no-pie"}, "inner_function", ""},
		{"static", []string{"-static"}, "inner_function", "qsort"},
		{"stripped", []string{"-s", "-pie", "-fPIE"}, "prog+0x", "qsort"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, u := start(t, compile(t, c.flags...), ""), NewUser(Options{})
			if got := string(u.Append(nil, s.process, s.inner+4)); !strings.HasPrefix(got, c.inner) {
				t.Errorf("its own function is %q, want %q", got, c.inner)
			}
			if got := string(u.Append(nil, s.process, s.libc)); c.libc != "" && got != c.libc {
				t.Errorf("libc's function is %q, want %q", got, c.libc)
			}
			if got := string(u.Append(nil, s.process, 0x10)); got != "0x10" {
				t.Errorf("an address of nothing is %q", got)
			}
			s.stop()
			if got := string(u.Append(nil, s.process, s.inner)); !strings.HasPrefix(got, c.inner) {
				t.Errorf("after the end its function is %q, want %q", got, c.inner)
			}
		})
	}
}

func TestNoAllocationsForKnownProcesses(t *testing.T) {
	s, u := start(t, compile(t), ""), NewUser(Options{})
	buf := u.Append(make([]byte, 0, 256), s.process, s.inner)
	if n := testing.AllocsPerRun(100, func() { u.Append(buf[:0], s.process, s.inner) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestStrippedWithSymbolsElsewhere gives a stripped program its symbols back
// through a link, and through the cache of debuginfod.
func TestStrippedWithSymbolsElsewhere(t *testing.T) {
	if _, err := exec.LookPath("objcopy"); err != nil {
		t.Skip("needs objcopy")
	}
	strip := func(t *testing.T, debug string, link bool, flags ...string) string {
		prog := compile(t, flags...)
		if err := os.MkdirAll(filepath.Dir(debug), 0o700); err != nil {
			t.Fatal(err)
		}
		commands := [][]string{{"objcopy", "--only-keep-debug", prog, debug}, {"objcopy", "--strip-all", prog}}
		if link {
			commands = append(commands, []string{"objcopy", "--add-gnu-debuglink=" + debug, prog})
		}
		for _, args := range commands {
			if msg, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, msg)
			}
		}
		return prog
	}
	t.Run("debug link", func(t *testing.T) {
		dir := t.TempDir()
		prog := strip(t, filepath.Join(dir, "prog.debug"), true, "-Wl,--build-id=none")
		debug := filepath.Join(filepath.Dir(prog), ".debug")
		if err := errors.Join(os.Mkdir(debug, 0o700), os.Rename(filepath.Join(dir, "prog.debug"),
			filepath.Join(debug, "prog.debug"))); err != nil {
			t.Fatal(err)
		}
		s := start(t, prog, "")
		if got := string(NewUser(Options{}).Append(nil, s.process, s.inner)); got != "inner_function" {
			t.Errorf("with the link it is %q", got)
		}
		// Another file of that name has another checksum.
		if err := os.WriteFile(filepath.Join(debug, "prog.debug"), readFile(t, compile(t, "-O2", "-Wl,--build-id=none")),
			0o600); err != nil {
			t.Fatal(err)
		}
		if got := string(NewUser(Options{}).Append(nil, s.process, s.inner)); got == "inner_function" {
			t.Error("symbols of another file were taken")
		}
	})
	t.Run("debuginfod", func(t *testing.T) {
		cache := t.TempDir()
		prog := strip(t, filepath.Join(t.TempDir(), "debuginfo"), false)
		debug := compile(t) // the same source, so the same build id
		id := buildIDOf(t, prog)
		at := filepath.Join(cache, id, "debuginfo")
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, readFile(t, debug), 0o600)); err != nil {
			t.Fatal(err)
		}
		s := start(t, prog, "")
		if buildIDOf(t, debug) != id {
			t.Skip("needs a compiler that makes the same build id of the same source")
		}
		if got := string(NewUser(Options{DebuginfodCache: cache}).Append(nil, s.process, s.inner)); got != "inner_function" {
			t.Errorf("with the cache it is %q", got)
		}
		if got := string(NewUser(Options{}).Append(nil, s.process, s.inner)); got == "inner_function" {
			t.Error("the cache is used without being requested")
		}
	})
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func buildIDOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	elf, err := binary.New(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", elf.BuildID())
}

// TestProgramInAnotherRoot runs a program with a libc of its own in a chroot, and
// deletes it while it runs.
func TestProgramInAnotherRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a chroot")
	}
	prog := compile(t)
	root := t.TempDir()
	for _, path := range append(libraries(t, prog), prog) {
		at := filepath.Join(root, path)
		if path == prog {
			at = filepath.Join(root, "prog")
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, readFile(t, path), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	s, u := start(t, "/prog", root), NewUser(Options{})
	if err := os.Remove(filepath.Join(root, "prog")); err != nil {
		t.Fatal(err)
	}
	if got := string(u.Append(nil, s.process, s.inner)); got != "inner_function" {
		t.Errorf("its own function is %q", got)
	}
	if got := string(u.Append(nil, s.process, s.libc)); got != "qsort" {
		t.Errorf("libc's function is %q", got)
	}
}

// libraries returns what the program at path is linked with, with the loader.
func libraries(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		t.Skip("needs ldd")
	}
	var paths []string
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			paths = append(paths, word)
		}
	}
	return paths
}

func TestUserStacks(t *testing.T) {
	s, u := start(t, compile(t), ""), NewUser(Options{})
	stacks := NewUserStacks(stackMap{3: {s.inner, s.libc + 1, 0x10}}, nil, u)
	st := UserStack{ID: 3, Process: s.process}
	got := stacks.Text(st)
	if want := "inner_function; qsort; 0x10; "; string(got.Symbols) != want {
		t.Errorf("symbols are %q, want %q", got.Symbols, want)
	}
	want := fmt.Sprintf("0x%016x; 0x%016x; 0x%016x; ", s.inner, s.libc+1, 0x10)
	if string(got.Addresses) != want || len(got.BuildIDs) > 0 {
		t.Errorf("addresses are %q, build ids %q", got.Addresses, got.BuildIDs)
	}
	if n := testing.AllocsPerRun(100, func() { stacks.Text(st) }); n > 0 {
		t.Errorf("%v allocations for a stack that is known", n)
	}
	if got := NewUserStacks(stackMap{3: {s.inner}}, nil, nil).Text(st); len(got.Symbols) > 0 || len(got.Addresses) == 0 {
		t.Errorf("without symbolizers: %q, %q", got.Symbols, got.Addresses)
	}
	for _, none := range []UserStack{{ID: 4, Process: s.process}, {ID: 3}, {ID: uint32(0xffffffef), Process: s.process}} {
		if got := stacks.Text(none); len(got.Addresses) > 0 {
			t.Errorf("stack %v has addresses %q", none, got.Addresses)
		}
	}
}

// buildMap is a map of build ids in memory.
type buildMap map[uint32][]buildID

func (m buildMap) Lookup(key, value any) error {
	copy(value.(*[MaxDepth]buildID)[:], m[key.(uint32)])
	return nil
}

// TestBuildIDs names a function of a process that ended before it was looked at,
// by a file that another one has mapped.
func TestBuildIDs(t *testing.T) {
	s, u := start(t, compile(t), ""), NewUser(Options{})
	u.Append(nil, s.process, s.inner)
	var id [20]byte
	var offset uint64
	for build := range u.files.byBuild {
		copy(id[:], build)
	}
	m := u.processes[s.process].maps[findMapping(u.processes[s.process].maps, s.inner)]
	offset = s.inner - m.start + m.offset
	gone := UserStack{ID: 1, Process: Process{PID: 1 << 30, Hash: 9}}
	stacks := NewUserStacks(stackMap{1: {s.inner, 0x99}},
		buildMap{1: {{buildIDValid, id, offset}, {Status: buildIDAddr, Offset: 0x99}}}, u)
	got := stacks.Text(gone)
	if string(got.Symbols) != "inner_function; 0x99; " {
		t.Errorf("symbols are %q", got.Symbols)
	}
	if want := fmt.Sprintf("%x +%s; 99; ", id, strconv.FormatUint(offset, 16)); string(got.BuildIDs) != want {
		t.Errorf("build ids are %q, want %q", got.BuildIDs, want)
	}
}

func TestParse(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "auto": "", "none": "nil", "symtab": "", "symtab,debuginfod-cache": "/cache",
		"debuginfod-cache-on-ig-server": "/cache",
	} {
		u, err := Parse(value, "/cache")
		if err != nil || (u == nil) != (want == "nil") || u != nil && u.files.debugCache != want {
			t.Errorf("%q: %v, %v", value, u, err)
		}
	}
	for _, value := range []string{"symtb", "auto,symtab", "otel-ebpf-profiler", ","} {
		if _, err := Parse(value, ""); err == nil {
			t.Errorf("%q is taken", value)
		}
	}
}

func BenchmarkUserStack(b *testing.B) {
	s, u := start(b, compile(b), ""), NewUser(Options{})
	stacks := NewUserStacks(stackMap{3: {s.inner, s.libc}}, nil, u)
	b.ReportAllocs()
	for b.Loop() {
		stacks.Text(UserStack{ID: 3, Process: s.process})
	}
}
