package assemble

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

func TestGadgetPath(t *testing.T) {
	for _, tc := range []struct{ dir, input, want string }{
		{"gadgets/open", "gadgets/open/program.bpf.c", "program.bpf.c"},
		{"gadgets/open/", "gadgets/open/sub/a.h", "sub/a.h"},
		{"gadgets/open", "bazel-out/k8-fastbuild/bin/gadgets/open/gen.h", "gen.h"},
		{"gadgets/open", "bazel-out/cfg/bin/gadgets/open/gen.h", "gen.h"},
		{"external/other+/g", "external/other+/g/a.c", "a.c"},
		{"external/other+/g", "bazel-out/k8/bin/external/other+/g/a.c", "a.c"},
		{".", "program.bpf.c", "program.bpf.c"},
		{".", "bazel-out/k8/bin/gen.h", "gen.h"},
		{"gadgets/open", "gadgets/opener/a.c", ""},
		{"gadgets/open", "bazel-out/x", ""},
	} {
		got, ok := Directory{Dir: tc.dir}.gadgetPath(tc.input)
		if ok != (tc.want != "") || (ok && got != tc.want) {
			t.Errorf("in %q, %q is %q, %v; want %q", tc.dir, tc.input, got, ok, tc.want)
		}
	}
}

func TestRootsOfGeneratedInputs(t *testing.T) {
	f := Directory{Dir: "g", Inputs: []string{
		"g/a.c", "bazel-out/cfg/bin/g/sub/b.h", "bazel-out/cfg/bin/g/c.h", "other/d.h",
	}}
	if diff := cmp.Diff([]string{"g", "bazel-out/cfg/bin/g"}, f.roots()); diff != "" {
		t.Errorf("roots (-want +got):\n%s", diff)
	}
}

// tree makes files and, for values that begin with "->", links.
func tree(t *testing.T, entries map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range entries {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(content, "->")
		var err error
		if link {
			err = os.Symlink(strings.ReplaceAll(target, "ROOT", dir), full)
		} else {
			err = os.WriteFile(full, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLocateRefusesLinksOutOfTheDirectory(t *testing.T) {
	dir := tree(t, map[string]string{
		"g/a.c": "a", "g/b.c": "->a.c", "g/sub/c.c": "->../a.c", "g/d.c": "->sub/c.c",
		"g/out.c": "->../secret", "g/abs.c": "->ROOT/secret", "g/chain.c": "->out.c", "g/up": "->..",
		"g/broken.c": "->nowhere",
		"secret":     "s", "link": "->g",
	})
	for rel, want := range map[string]string{
		"a.c": "", "b.c": "", "sub/c.c": "", "d.c": "",
		"out.c": "out of the gadget's directory", "abs.c": "out of the gadget's directory",
		"chain.c": "out of the gadget's directory", "up/secret": "out of the gadget's directory",
	} {
		for _, directory := range []Directory{
			{Dir: dir + "/g"},
			{Dir: dir + "/link"},
			{Dir: dir + "/g", Inputs: []string{dir + "/g/" + rel}},
		} {
			_, ok, err := directory.locate(rel)
			if !ok || (err != nil) != (want != "") || (err != nil && !strings.Contains(err.Error(), want)) {
				t.Errorf("locate(%q) in %+v: %v, %v; want %q", rel, directory, ok, err, want)
			}
		}
	}
	if _, ok, err := (Directory{Dir: dir + "/g"}).locate("broken.c"); ok || err != nil {
		t.Errorf("a broken link: %v, %v", ok, err)
	}
}

// TestLocateFollowsLinksOfASandbox imitates an execution root below which each
// file is a link to the same path below another root.
func TestLocateFollowsLinksOfASandbox(t *testing.T) {
	dir := tree(t, map[string]string{
		"source/g/a.c": "a", "source/g/out.c": "->../secret", "source/secret": "s",
		"exec/g/a.c": "->ROOT/source/g/a.c", "exec/g/out.c": "->ROOT/source/g/out.c",
		"sandbox/g/a.c": "->ROOT/exec/g/a.c", "sandbox/g/out.c": "->ROOT/exec/g/out.c",
		"sandbox/g/other.c": "->ROOT/source/secret",
	})
	t.Chdir(filepath.Join(dir, "sandbox"))
	f := Directory{Dir: "g", Inputs: []string{"g/a.c", "g/out.c", "g/other.c"}}
	for rel, fine := range map[string]bool{"a.c": true, "out.c": false, "other.c": false} {
		if _, ok, err := f.locate(rel); !ok || (err == nil) != fine {
			t.Errorf("locate(%q) = %v, %v", rel, ok, err)
		}
	}
}

func TestFindOnlyOfGadget(t *testing.T) {
	dir := tree(t, map[string]string{"g/a.c": "a", "g/build.yaml": ""})
	t.Chdir(dir)
	f := Directory{Dir: "g", Inputs: []string{"g/build.yaml"}}
	_, _, err := f.find(&gadget.BuildFile{File: "b"}, "ebpfsource", gadget.NamedPath{Path: "a.c", Named: true, Line: 3})
	if err == nil || err.Error() != `b:3: ebpfsource names "a.c", but the gadget (its 'srcs') has no such file` {
		t.Errorf("error %v", err)
	}
}

func TestPathsRelativeToBuildFile(t *testing.T) {
	dir := tree(t, map[string]string{"g/sub/other.yaml": "ebpfsource: a.c\n", "g/sub/a.c": "a"})
	f := Directory{Dir: dir + "/g", BuildFile: dir + "/g/sub/other.yaml"}
	b, err := f.ReadBuildFile()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := f.find(b, "ebpfsource", b.Source); err != nil || !ok || got != dir+"/g/sub/a.c" {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
}

func TestReadBuildFileOptional(t *testing.T) {
	dir := t.TempDir()
	if b, err := (Directory{Dir: dir}).ReadBuildFile(); err != nil || b.Source.Path != gadget.DefaultSource {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := (Directory{Dir: dir, BuildFile: dir + "/x.yaml"}).ReadBuildFile(); err == nil {
		t.Error("a missing build file was read")
	}
}

func FuzzParseDepfile(f *testing.F) {
	f.Add([]byte("a.o: a.c \\\n  b\\ c.h d\\#.h $$e.h\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name := range parseDepfile(data) {
			if name == "" || name != filepath.ToSlash(filepath.Clean(name)) {
				t.Errorf("%q gives %q", data, name)
			}
		}
	})
}

func TestParseDepfile(t *testing.T) {
	got := parseDepfile([]byte("out.o: g/a.c \\\n  g/./b\\ c.h\\\n d\\#.h $$e.h back\\\\slash.h\r\n"))
	want := map[string]bool{"g/a.c": true, "g/b c.h": true, "d#.h": true, "$e.h": true, `back\slash.h`: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
}
