package assemble_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// testObject is an object with a program, which the fake compiler gives.
const testObject = "../gadget/testdata/objects/good.bpf.o"

// fakeToolchain is a compiler that writes object, a depfile with deps, and its
// own arguments and environment to a file, whose name is returned.
func fakeToolchain(t *testing.T, object string, deps ...string) (assemble.Toolchain, string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	script := fmt.Sprintf(`#!/bin/sh
for a in "$@"; do printf '%%s\n' "$a"; done > %[1]s
echo "env: $(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=)" >> %[1]s
while [ $# -gt 0 ]; do
	case $1 in
	-o) cat "${0%%/*}/object" > $2 ;;
	-MF) printf 'x.o: %[2]s\n' > $2 ;;
	esac
	shift
done
echo "a.c:1: warning: fake" >&2
`, log, strings.Join(deps, " \\\\\\n "))
	dir := writeFiles(t, map[string]string{"clang": script, "strip": "#!/bin/sh\n", "object": string(readFile(t, object))})
	for _, name := range []string{"clang", "strip"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return assemble.Toolchain{Clang: filepath.Join(dir, "clang"), Strip: filepath.Join(dir, "strip")}, log
}

func TestCompileCommandLine(t *testing.T) {
	t.Setenv("CPATH", "/nowhere")
	tc, log := fakeToolchain(t, testObject)
	tc.ResourceDir, tc.SystemIncludes = "/tc/res", []string{"/tc/include", "/tc/include/vmlinux/x86"}
	dir := writeFiles(t, map[string]string{
		"build.yaml": "ebpfsource: src/a.c\nincludes: [inc]\ncflags: [-DX=a b, -Iother]\n", "src/a.c": "", "inc/a.h": "",
	})
	result, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: dir}, Toolchain: tc, Arch: arch.AMD64, CFlags: []string{"-DLAST"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Warnings != "a.c:1: warning: fake\n" || string(result.Object) != string(readFile(t, testObject)) {
		t.Errorf("warnings %q, object of %d bytes", result.Warnings, len(result.Object))
	}
	lines := strings.Split(strings.TrimSpace(string(readFile(t, log))), "\n")
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(l, dir, "DIR")
		if strings.HasPrefix(l, os.TempDir()+"/gadget-compile-") {
			lines[i] = "TMP/" + filepath.Base(l)
		}
	}
	want := []string{
		"-target", "bpf", "-mcpu=v3", "-O2", "-Wall", "-D__TARGET_ARCH_x86", "-nostdlibinc", "-resource-dir", "/tc/res",
		"-g", "-fno-ident", "-fno-color-diagnostics", "-gdwarf-5", "-gembed-source", "-ffile-compilation-dir=.",
		"-fmacro-prefix-map=/tc/res/=<clang>/", "-fdebug-prefix-map=/tc/res/=./<clang>/",
		"-fmacro-prefix-map=/tc/include/=<include>/", "-fdebug-prefix-map=/tc/include/=./<include>/",
		"-fmacro-prefix-map=/tc/include/vmlinux/x86/=<include>/", "-fdebug-prefix-map=/tc/include/vmlinux/x86/=./<include>/",
		"-fmacro-prefix-map=DIR/=<gadget>/", "-fdebug-prefix-map=DIR/=./<gadget>/",
		"-IDIR", "-IDIR/inc", "-DX=a b", "-IDIR/other", "-DLAST", "-isystem", "/tc/include", "-isystem",
		"/tc/include/vmlinux/x86",
		"DIR/src/a.c", "-c", "-o", "TMP/program.bpf.o", "env: MALLOC_MMAP_THRESHOLD_=131072",
	}
	// Where the temporary directory of the test is longer or shorter, its map moves.
	sortMaps := func(s []string) []string { return sorted(s, "-prefix-map=") }
	if diff := cmp.Diff(sortMaps(want), sortMaps(lines)); diff != "" {
		t.Errorf("command line (-want +got):\n%s", diff)
	}
}

func TestCommand(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"g/build.yaml": "ebpfsource: src/a.c\nincludes: [inc]\ncflags: [-DX]\n", "g/src/a.c": "", "g/inc/a.h": "",
		"bazel-out/x/bin/g/made.h": "", "none/gadget.yaml": "",
	})
	t.Chdir(dir)
	req := assemble.CompileRequest{
		Directory: assemble.Directory{
			Dir: "g", BuildFile: "g/build.yaml", Inputs: []string{"g/src/a.c", "g/inc/a.h", "bazel-out/x/bin/g/made.h"},
		},
		Toolchain: assemble.Toolchain{Clang: "tc/clang", ResourceDir: "tc/res", SystemIncludes: []string{"tc/include"}},
		Arch:      arch.ARM64,
	}
	got, err := assemble.Command(req)
	if err != nil {
		t.Fatal(err)
	}
	want := assemble.CompileCommand{Source: "g/src/a.c", Arguments: []string{
		"tc/clang", "-target", "bpf", "-mcpu=v3", "-O2", "-Wall", "-D__TARGET_ARCH_arm64", "-nostdlibinc",
		"-resource-dir", "tc/res", "-I./g", "-Ig/inc", "-Ibazel-out/x/bin/g", "-Ibazel-out/x/bin/g/inc", "-DX",
		"-isystem", "tc/include", "g/src/a.c",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	req.CFlags = []string{"-fplugin=x"}
	_, err = assemble.Command(req)
	wantError(t, err, `flag "-fplugin=x" is not allowed`)
	got, err = assemble.Command(assemble.CompileRequest{Directory: assemble.Directory{Dir: "none"}, Arch: arch.AMD64})
	if err != nil || got.Source != "" {
		t.Errorf("a gadget without program gives %+v, %v", got, err)
	}
}

func TestCompileRunsThroughTheLoader(t *testing.T) {
	tc, log := fakeToolchain(t, testObject)
	loader := writeFiles(t, map[string]string{
		"ld": "#!/bin/sh\necho \"loader $1 $2\" >> " + log + ".ld\nshift 2\nexec \"$@\"\n",
	}) + "/ld"
	if err := os.Chmod(loader, 0o755); err != nil {
		t.Fatal(err)
	}
	// The scripts need the machine's programs; the directories of libraries may be read.
	libs := t.TempDir()
	for _, name := range []string{"/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache"} {
		if err := os.Symlink(name, filepath.Join(libs, filepath.Base(name))); err != nil {
			t.Fatal(err)
		}
	}
	tc.Loader, tc.LibraryPath = loader, []string{"a", libs}
	dir := writeFiles(t, map[string]string{"program.bpf.c": ""})
	if _, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: dir},
		Toolchain: tc, Arch: arch.ARM64,
	}); err != nil {
		t.Fatal(err)
	}
	if got := string(readFile(t, log+".ld")); got != strings.Repeat("loader --library-path a:"+libs+"\n", 3) &&
		got != strings.Repeat("loader --library-path a:"+libs+"\n", 4) {
		t.Errorf("the loader was called with %q", got)
	}
}

func TestCompilePrunesUnreadInputs(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"g/build.yaml": "", "g/program.bpf.c": "", "g/a b.h": "", "g/unread.h": "", "g/gadget.yaml": "",
	})
	t.Chdir(dir)
	inputs := []string{"g/build.yaml", "g/program.bpf.c", "g/a b.h", "g/unread.h", "g/gadget.yaml"}
	tc, _ := fakeToolchain(t, objectPath, "g/program.bpf.c", `./g/a\\ b.h`, "/usr/include/x.h")
	result, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: "g", BuildFile: "g/build.yaml", Inputs: inputs}, Toolchain: tc, Arch: arch.AMD64,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"g/unread.h", "g/gadget.yaml"}, result.Unused); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
}

func TestCompileRefuses(t *testing.T) {
	noProgram := "../gadget/testdata/objects/noprogram.bpf.o"
	for _, tc := range []struct {
		name, object string
		files        map[string]string
		want         []string
	}{
		{
			name: "source named and missing", files: map[string]string{"build.yaml": "ebpfsource: x.c\n"},
			want: []string{`build.yaml:1: ebpfsource names "x.c", but`, "has no such file"},
		},
		{
			name: "other arch", files: map[string]string{"build.yaml": "archs: [arm64]\n", "program.bpf.c": ""},
			want: []string{"allows only [arm64]", "build for these"},
		},
		{
			name: "no program", object: noProgram, files: map[string]string{"program.bpf.c": ""},
			want: []string{"program.bpf.c: it defines no program, put SEC("},
		},
		{
			name: "empty object", object: "/dev/null", files: map[string]string{"program.bpf.c": ""},
			want: []string{"checking object", "it is empty"},
		},
		{
			name: "include directory", files: map[string]string{"build.yaml": "includes: [\"no\"]\n", "program.bpf.c": ""},
			want: []string{"build.yaml:1: includes names \"no\", but", "has no such directory"},
		},
		{name: "build file", files: map[string]string{"build.yaml": "x: y\n"}, want: []string{"build.yaml:1: unknown key"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.object == "" {
				tc.object = testObject
			}
			toolchain, _ := fakeToolchain(t, tc.object)
			dir := writeFiles(t, tc.files)
			_, err := assemble.Compile(context.Background(), assemble.CompileRequest{
				Directory: assemble.Directory{Dir: dir}, Toolchain: toolchain, Arch: arch.AMD64,
			})
			wantError(t, err, tc.want...)
		})
	}
}

func TestCompileRefusesFlagsOfTheCaller(t *testing.T) {
	tc, _ := fakeToolchain(t, testObject)
	dir := writeFiles(t, map[string]string{"program.bpf.c": ""})
	_, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: dir}, Toolchain: tc, Arch: arch.AMD64, CFlags: []string{"-fplugin=x"},
	})
	wantError(t, err, `flag "-fplugin=x" is not allowed`)
}

func TestCompileEmptyObject(t *testing.T) {
	for _, files := range []map[string]string{
		{"gadget.yaml": "name: x\n"},
		{"build.yaml": "ebpfsource: \"\"\n", "program.bpf.c": "not read"},
	} {
		result, err := assemble.Compile(context.Background(),
			assemble.CompileRequest{Directory: assemble.Directory{Dir: writeFiles(t, files)}, Arch: arch.AMD64})
		if err != nil || len(result.Object) > 0 {
			t.Errorf("%v: %d bytes, %v", files, len(result.Object), err)
		}
	}
}

func TestCompileShowsDiagnostics(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"clang": "#!/bin/sh\necho 'a.c:1:2: error: no' >&2\nexit 1\n", "g/program.bpf.c": "",
	})
	if err := os.Chmod(dir+"/clang", 0o755); err != nil {
		t.Fatal(err)
	}
	request := assemble.CompileRequest{
		Directory: assemble.Directory{Dir: dir + "/g"}, Toolchain: assemble.Toolchain{Clang: dir + "/clang"},
		Arch: arch.AMD64,
	}
	_, err := assemble.Compile(context.Background(), request)
	var refused *assemble.CompileError
	if !errors.As(err, &refused) || refused.Text != "a.c:1:2: error: no\n" {
		t.Errorf("error %v", err)
	}
	request.Toolchain.Clang = dir + "/absent"
	_, err = assemble.Compile(context.Background(), request)
	wantError(t, err, "running clang:", "no such file")
}

func TestCompileRefusesHeadersFromElsewhere(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"g/program.bpf.c": "", "g/own.h": "", "other/x.h": "", "tc/sys.h": "", "res/include/std.h": "",
	})
	if err := os.Symlink("../other/x.h", dir+"/g/link.h"); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, tc := range []struct{ dep, want string }{
		{"g/own.h", ""},
		{"tc/sys.h", ""},
		{"res/include/std.h", ""},
		{"g/../g/own.h", ""},
		{"g/../other/x.h", `it includes "other/x.h", which is outside of the gadget's directory`},
		{"/etc/hostname", `it includes "/etc/hostname", which is outside`},
		{"g/link.h", `it includes "g/link.h": "link.h" is a link out of the gadget's directory`},
	} {
		toolchain, _ := fakeToolchain(t, objectPath, "g/program.bpf.c", tc.dep)
		toolchain.SystemIncludes, toolchain.ResourceDir = []string{"tc"}, "res"
		request := assemble.CompileRequest{Directory: assemble.Directory{Dir: "g"}, Toolchain: toolchain, Arch: arch.AMD64}
		_, err := assemble.Compile(context.Background(), request)
		if tc.want == "" {
			wantError(t, err)
			continue
		}
		wantError(t, err, tc.want)
	}
	toolchain, _ := fakeToolchain(t, objectPath, "g/program.bpf.c", "other/x.h")
	toolchain.ResourceDir = "res"
	_, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: "g", Inputs: []string{"g/program.bpf.c", "other/x.h"}}, Toolchain: toolchain,
		Arch: arch.AMD64,
	})
	wantError(t, err)
}

// sorted returns s with its elements that contain part sorted at the front.
func sorted(s []string, part string) []string {
	front, rest := []string{}, []string{}
	for _, x := range s {
		if strings.Contains(x, part) {
			front = append(front, x)
		} else {
			rest = append(rest, x)
		}
	}
	for i := range front {
		for j := i; j > 0 && front[j] < front[j-1]; j-- {
			front[j], front[j-1] = front[j-1], front[j]
		}
	}
	return append(front, rest...)
}

// objectPath is testObject's absolute path, for tests that change the directory.
var objectPath, _ = filepath.Abs(testObject)

// realToolchain returns a real clang.
func realToolchain(t *testing.T) assemble.Toolchain {
	t.Helper()
	tc := clangtest.Find(t)
	return assemble.Toolchain{Clang: tc.Clang, Strip: tc.Strip, Loader: tc.Loader, LibraryPath: tc.LibraryPath}
}

// The headers have code, and names of files, of their own.
const (
	program = `#include "own.h"
#include <sys.h>
const char *names[] = {__FILE__, own_name, sys_name};
__attribute__((section("tracepoint/a/b"), used)) int enter(void *ctx)
{
	return own() + sys() + (long)names[0];
}
`
	ownHeader = `#define own_name __FILE__
static inline __attribute__((always_inline)) int own(void) { return ((int (*)(void))5)(); }
`
	sysHeader = `static const char sys_name[] = __FILE__;
static inline __attribute__((always_inline)) int sys(void) { return ((int (*)(void))7)(); }
`
)

func TestCompilePathIndependent(t *testing.T) {
	tc := realToolchain(t)
	files := map[string]string{
		"some/where/g/program.bpf.c": program,
		"some/where/g/own.h":         ownHeader,
		"sys/sys.h":                  sysHeader,
		"other/sys/sys.h":            sysHeader,
	}
	root := writeFiles(t, files)
	objects := [][]byte{}
	for _, at := range []struct{ cwd, directory, system string }{
		{root, "some/where/g", "sys"},
		{root + "/some/where/g", ".", "../../../sys"},
		{root + "/some", "where/g", root + "/other/sys"},
		{"/", root + "/some/where/g", root + "/sys"},
	} {
		t.Chdir(at.cwd)
		tc.SystemIncludes = []string{at.system}
		result, err := assemble.Compile(context.Background(),
			assemble.CompileRequest{Directory: assemble.Directory{Dir: at.directory}, Toolchain: tc, Arch: arch.AMD64})
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, result.Object)
		if strings.Contains(string(result.Object), "where") || strings.Contains(string(result.Object), root) {
			t.Errorf("from %s: the object names a path of this machine", at.cwd)
		}
		if string(result.Object) != string(objects[0]) {
			t.Errorf("from %s: the object differs", at.cwd)
		}
	}
	for _, name := range []string{
		"./<gadget>/program.bpf.c", "./<gadget>/own.h", "./<include>/sys.h",
		"\x00<include>/sys.h\x00", "{ return ((int",
	} {
		if !strings.Contains(string(objects[0]), name) {
			t.Errorf("negative control: the object does not have %q", name)
		}
	}
}

func TestCompileErrorHasRelativePaths(t *testing.T) {
	tc := realToolchain(t)
	t.Chdir(writeFiles(t, map[string]string{"g/program.bpf.c": "int x = ;\n"}))
	_, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: "g"}, Toolchain: tc, Arch: arch.AMD64,
	})
	var refused *assemble.CompileError
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Text, "g/program.bpf.c:1:9: error:") {
		t.Errorf("error %v: %+v", err, refused)
	}
}
