package btfgen_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// objectNames are the test objects, without their ending.
var objectNames = []string{"fields", "types", "matches", "enums"}

// archives returns the committed archives, or those of BTFHUB_ARCHIVE.
func archives(t testing.TB) []btfhub.Archive {
	t.Helper()
	root := os.Getenv("BTFHUB_ARCHIVE")
	if root == "" {
		root = filepath.Join("testdata", "archive")
	}
	list, err := btfhub.List(root)
	if err != nil || len(list) == 0 {
		t.Fatalf("List(%q) = %d archives, %v", root, len(list), err)
	}
	return list
}

// object returns the path of a test object.
func object(name, end string) string { return filepath.Join("testdata", name+"."+end+".bpf.o") }

func readObject(t testing.TB, path string) *core.Object {
	t.Helper()
	objects, err := btfgen.ReadObjects([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	return objects[0]
}

func readArchive(t testing.TB, a btfhub.Archive) []byte {
	t.Helper()
	data, err := btfhub.ReadArchiveFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// minimal makes minimal BTF for one object.
func minimal(t testing.TB, o *core.Object, kernel []byte) *core.Result {
	t.Helper()
	res, err := btfgen.GenerateBTF([]*core.Object{o}, core.RootNames([]*core.Object{o}), kernel)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// bpftool returns the path of bpftool or skips the test: BPFTOOL names it, as a
// path among Bazel's runfiles or as any other.
func bpftool(t *testing.T) string {
	t.Helper()
	tool := os.Getenv("BPFTOOL")
	if tool == "" {
		tool = "bpftool"
	}
	if runfiles := os.Getenv("TEST_SRCDIR"); runfiles != "" && strings.Contains(tool, "/") {
		tool = filepath.Join(runfiles, tool)
	}
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skip("needs bpftool")
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAgainstBpftool compares what is kept with what bpftool keeps: the same
// structs and unions by name, each with the same members at the same offsets
// and of the same types. Differences that we want are undone on bpftool's side:
//   - types_match: bpftool keeps all members, we those that the object knows;
//   - enumerators: bpftool keeps all, we those that the object names, unless it asks
//     for the value of one;
//   - typedefs and modifiers in front of a member's type are gone here.
func TestAgainstBpftool(t *testing.T) {
	tool := bpftool(t)
	compared := 0
	for _, a := range archives(t) {
		full := readArchive(t, a)
		raw := filepath.Join(t.TempDir(), "kernel.btf")
		if err := os.WriteFile(raw, full, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, name := range objectNames {
			path := object(name, "el")
			out := raw + ".min"
			msg, err := exec.Command(tool, "gen", "min_core_btf", raw, out, path).CombinedOutput()
			if err != nil {
				// It gives up on a forward declaration as the target of a type relocation.
				if !strings.Contains(string(msg), "unsupported kind: FWD") {
					t.Errorf("%s on %s: bpftool: %v\n%s", name, a.Kernel, err, msg)
				}
				continue
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			got := minimal(t, readObject(t, path), full).BTF
			if diff := cmp.Diff(shape(t, want), shape(t, got)); diff != "" {
				t.Errorf("%s on %s: kept types (-bpftool +ours):\n%s", name, a.Kernel, diff)
			}
			compared++
		}
	}
	if compared < len(archives(t)) {
		t.Errorf("only %d comparisons took place", compared)
	}
}

// TestLibbpfFindsAll lets libbpf, in bpftool, relocate against the minimal BTF:
// it finds all that is in it, so nothing that it needs is missing and nothing
// is there that it does not need.
func TestLibbpfFindsAll(t *testing.T) {
	tool := bpftool(t)
	for _, a := range archives(t) {
		full := readArchive(t, a)
		for _, name := range objectNames {
			path := object(name, "el")
			got := minimal(t, readObject(t, path), full).BTF
			in := filepath.Join(t.TempDir(), "minimal.btf")
			if err := os.WriteFile(in, got, 0o644); err != nil {
				t.Fatal(err)
			}
			msg, err := exec.Command(tool, "gen", "min_core_btf", in, in+".again", path).CombinedOutput()
			if err != nil {
				t.Errorf("%s on %s: %v\n%s", name, a.Kernel, err, msg)
				continue
			}
			again, err := os.ReadFile(in + ".again")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shape(t, got), shape(t, again)); diff != "" {
				t.Errorf("%s on %s (-minimal +what libbpf uses of it):\n%s", name, a.Kernel, diff)
			}
		}
	}
}

// TestShapeNotices is the negative control of the comparisons: it sees that a
// member is missing.
func TestShapeNotices(t *testing.T) {
	full := readArchive(t, archives(t)[0])
	o := readObject(t, object("fields", "el"))
	less := *o
	less.Relocations = less.Relocations[:1]
	if cmp.Equal(shape(t, minimal(t, o, full).BTF), shape(t, minimal(t, &less, full).BTF)) {
		t.Error("a missing member goes unnoticed")
	}
}

// shape describes the named types of a BTF without regard to their order.
func shape(t testing.TB, raw []byte) map[string][]string {
	t.Helper()
	v, err := btf.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := core.NewRaw(v, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for id := uint32(1); id <= uint32(v.Len()); id++ {
		h := v.Header(id)
		root, err := ts.Root(id)
		if err != nil {
			t.Fatal(err)
		}
		typ := ts.Type(root)
		if typ.Name == "" || h.Kind == btf.Typedef || h.Kind == btf.Int {
			continue
		}
		key := typ.Kind.String() + " " + typ.Name
		out[key] = append(out[key], describe(ts, typ, true))
	}
	for key, list := range out {
		slices.Sort(list)
		out[key] = slices.Compact(list)
	}
	return out
}

// describe spells out a type: named structs by name unless they are the
// subject, pointers without what they point to.
func describe(ts *core.Raw, t *core.Type, subject bool) string {
	switch t.Kind {
	case btf.Struct, btf.Union:
		if t.Name != "" && !subject {
			return t.Kind.String() + " " + t.Name
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s(%d)", t.Kind, t.Size)
		for _, m := range t.Members {
			fmt.Fprintf(&b, " %s@%d:%d=%s", m.Name, m.Offset, m.Bits, describe(ts, ts.Type(m.Type), false))
		}
		return b.String()
	case btf.Array:
		return fmt.Sprintf("[%d]%s", t.Size, describe(ts, ts.Type(t.Elem), false))
	case btf.Int:
		return fmt.Sprintf("%s(%d,%x)", t.Name, t.Size, t.IntData)
	}
	return fmt.Sprintf("%s %s(%d)", t.Kind, t.Name, t.Size)
}

// TestFewerEnumerators is the intended difference in size: one enumerator of
// an enum with two hundred stays where an object checks if it exists, and all
// where it reads the value of one, whose names a runner may need.
func TestFewerEnumerators(t *testing.T) {
	const another = "BPF_FUNC_map_lookup_elem"
	o := readObject(t, object("enums", "el"))
	existing := *o
	existing.Relocations = slices.DeleteFunc(slices.Clone(o.Relocations), func(r core.Relocation) bool {
		return r.Kind == core.EnumvalValue
	})
	for _, a := range archives(t) {
		full := readArchive(t, a)
		all, got := minimal(t, o, full).BTF, minimal(t, &existing, full).BTF
		if !has(got, "BPF_FUNC_get_func_ip") && a.Kernel.Version != "bullseye" {
			t.Errorf("%s: the enumerator is missing", a.Kernel)
		}
		if has(got, another) || len(got) > 600 {
			t.Errorf("%s: %d bytes, more than the enumerators in use", a.Kernel, len(got))
		}
		if has(all, "BPF_FUNC_loop") != has(all, another) {
			t.Errorf("%s: a value of the enum is used, and the others are not kept", a.Kernel)
		}
	}
}

// has reports whether a BTF has a name.
func has(raw []byte, name string) bool { return bytes.Contains(raw, []byte("\x00"+name+"\x00")) }
