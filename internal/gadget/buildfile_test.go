package gadget_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

func TestParseBuildFileReadsAllKeys(t *testing.T) {
	text := `ebpfsource: src/./main.bpf.c
metadata: meta.yaml
wasm: go/program.go
cflags: -DX=1 "-DNAME=a b" -Wno-unused
archs: [arm64, x86_64]
includes:
  - include
  - vendor/headers
`
	got, problems := gadget.ParseBuildFile([]byte(text), "build.yaml")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := &gadget.BuildFile{
		Source:   gadget.NamedPath{Path: "src/main.bpf.c", Named: true, Line: 1},
		Metadata: gadget.NamedPath{Path: "meta.yaml", Named: true, Line: 2},
		Wasm:     gadget.NamedPath{Path: "go/program.go", Named: true, Line: 3},
		CFlags:   []string{"-DX=1", "-DNAME=a b", "-Wno-unused"},
		Archs:    []arch.Arch{arch.ARM64, arch.AMD64},
		Includes: []gadget.NamedPath{{Path: "include", Named: true, Line: 7}, {Path: "vendor/headers", Named: true, Line: 8}},
		File:     "build.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("build file (-want +got):\n%s", diff)
	}
	if !got.BuildsFor(arch.ARM64) || !(&gadget.BuildFile{}).BuildsFor(arch.AMD64) {
		t.Error("BuildsFor is false for an allowed architecture")
	}
}

func TestParseBuildFileDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "ebpfsource:\nmetadata: ~\n"} {
		got, problems := gadget.ParseBuildFile([]byte(text), "build.yaml")
		if err := problems.Err(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got.Source != (gadget.NamedPath{Path: "program.bpf.c"}) ||
			got.Metadata != (gadget.NamedPath{Path: "gadget.yaml"}) || got.Wasm != (gadget.NamedPath{}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestParseBuildFileWithoutProgram(t *testing.T) {
	got, problems := gadget.ParseBuildFile([]byte(`ebpfsource: ""`), "build.yaml")
	if err := problems.Err(); err != nil || got.Source.Path != "" {
		t.Errorf("source %q, error %v; want none", got.Source.Path, err)
	}
}

func TestParseBuildFileRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "epbfsource: x\n", `b:1: unknown key "epbfsource" in b, did you mean "ebpfsource"?`},
		{"key twice", "wasm: a.wasm\nwasm: b.wasm\n", `b:2: b has the key "wasm" twice, first in line 1`},
		{"key twice in two cases", "wasm: a.wasm\nWASM: b.wasm\n", `b:2: b has the key "wasm" twice, first in line 1`},
		{"no mapping", "- a\n", `b:1: b is a list, want a mapping`},
		{"source is a list", "ebpfsource: [a]\n", `b:1: ebpfsource is a list, want a string`},
		{"escaping", "ebpfsource: ../x.c\n", `b:1: ebpfsource is "../x.c", it leaves the gadget's directory, name a path inside it`},
		{
			"escaping later", "ebpfsource: a/../../x.c\n",
			`b:1: ebpfsource is "a/../../x.c", it leaves the gadget's directory, name a path inside it`,
		},
		{
			"absolute", "metadata: /etc/passwd\n",
			`b:1: metadata is "/etc/passwd", it is absolute, name a path inside the gadget's directory`,
		},
		{"dash", "ebpfsource: -o.c\n", `b:1: ebpfsource is "-o.c", it begins with a dash, rename the file`},
		{"wasm of another kind", "wasm: a.c\n", `b:1: wasm is "a.c", name a .wasm, .go or .rs file`},
		{"arch", "archs:\n  - amd64\n  - mips\n", `b:3: archs has "mips", use amd64 or arm64`},
		{"no arch", "archs: []\n", `b:1: archs is empty, name one or leave the key out`},
		{
			"include", "includes:\n  - ok\n  - ../up\n",
			`b:3: includes is "../up", it leaves the gadget's directory, name a path inside it`,
		},
		{"includes is a string", "includes: x\n", `b:1: includes is "x", want a list of strings`},
		{
			"flag", "cflags:\n  - -O2\n  - -fplugin=x.so\n",
			`b:3: cflags: flag "-fplugin=x.so" is not allowed, remove it: -I, -D, -W, -O, -g, -std, -mcpu=v1 to v4 and -f flags that touch no file are`,
		},
		{"quote", "cflags: -DX='a\n", `b:1: cflags: "-DX='a" ends inside a quote, close it`},
		{"syntax", "a: b: c\n", `b:1: no valid YAML: mapping values are not allowed in this context`},
		{"two documents", "wasm: a.wasm\n---\nwasm: b.wasm\n", `b:2: a second YAML document begins here, only one is read`},
		{"large", strings.Repeat("#", gadget.MaxBuildFile+1), `b: it has 1048577 bytes, the limit is 1048576`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := gadget.ParseBuildFile([]byte(tc.text), "b")
			err := problems.Err()
			if err == nil || err.Error() != tc.want {
				t.Errorf("error:\n%v\nwant:\n%s", err, tc.want)
			}
		})
	}
}

func TestCheckCFlag(t *testing.T) {
	for flag, allowed := range map[string]bool{
		"-DX": true, "-DX=1": true, "-DX=a b;c": true, "-Iinclude": true, "-Wno-unused-variable": true,
		"-Werror=format": true,
		"-fno-builtin":   true, "-O2": true, "-g": true, "-gdwarf-4": true, "-mcpu=v4": true, "-std=gnu11": true,
		"-mlittle-endian": true, "-funroll-loops": true, "-fno-unroll-loops": true, "-Wall": true, "-std=gnu2x": true,
		"-ftrivial-auto-var-init=zero": true, "-ferror-limit=0": true,

		"": false, "-I": false, "-D": false, "-I/usr/include": false, "-I../x": false, "-Ia/../../x": false,
		"-Wl,-x": false, "-Wa,-x": false, "-Wp,-MD,/tmp/x": false, "-Xclang": false, "-include": false, "-o": false,
		"-mllvm": false, "-mllvm=x": false, "-fplugin=a.so": false, "-fpass-plugin=a.so": false, "-flto": false,
		"-fprofile-use=x": false, "-fmodules": false, "-B/tmp": false, "-x": false, "program.c": false, "@file": false,
		"-gsplit-dwarf": false, "-ffile-prefix-map=a=b": false, "-fdebug-prefix-map=a=b": false, "-U": false,
		"-save-temps": false, "-std=c11;x": false, "-DX\n-o": false, "-fsanitize-ignorelist=x": false,
		"-fdiagnostics-add-output=x": false, "-ftime-trace=x": false, "--config=x": false, "-target": false,
		"-foptimization-record-file=x": false, "-fsave-optimization-record": false, "-frandomize-layout-seed-file=x": false,
		"-mcpu=help": false, "-mcpu=probe": false, "-mcpu=?": false, "-mbig-endian": false, "-fmodule-file=x": false,
		"-fprebuilt-module-path=x": false, "-fsyntax-only": false, "-fstack-usage": false, "-fdump-record-layouts": false,
		"-fverify-intermediate-code": false, "-fopenmp": false, "-fmemory-profile=x": false, "-fproc-stat-report=x": false,
		"-fcrash-diagnostics-dir=x": false, "-fdepfile-entry=x": false, "-fbuild-session-file=x": false,
		"-fxray-always-instrument=x": false, "-fextend-variable-liveness=x": false, "-fno-": false, "-f": false,
		"-fno-no-builtin": false, "-std=c++20": false, "-gsplit": false, "-fbasic-block-address-map": false,
	} {
		if err := gadget.CheckCFlag(flag); (err == nil) != allowed {
			t.Errorf("CheckCFlag(%q) = %v, want allowed %v", flag, err, allowed)
		}
	}
}

func TestSplitWordsLikeAShell(t *testing.T) {
	text := "cflags: |\n  -DA=1   -DB='x y' -DC=\"q\\\"r\" -DD=a\\ b\n  -DE=$(touch /tmp/x)\n"
	got, problems := gadget.ParseBuildFile([]byte(text), "b")
	want := []string{"-DA=1", "-DB=x y", `-DC=q"r`, "-DD=a b", "-DE=$(touch"}
	if diff := cmp.Diff(want, got.CFlags); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if err := problems.Err(); err == nil || !strings.Contains(err.Error(), `flag "/tmp/x)" is not allowed`) {
		t.Errorf("error %v, want one about the rest of the command", err)
	}
}
