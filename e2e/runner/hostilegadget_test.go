package runner_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func TestHostileGadgets(t *testing.T) {
	object := gadgettest.File(t, "open.bpf.o")
	for name, tc := range map[string]struct {
		metadata, object, layer []byte
		want                    string // of inspect; empty when the gadget is accepted
	}{
		"an ordinary one":         {gadgettest.File(t, "open.yaml"), object, nil, ""},
		"aliases in gadget.yaml":  {aliasBomb(), object, nil, ""},
		"laughs in gadget.yaml":   {[]byte(laughs()), object, nil, ""},
		"brackets in gadget.yaml": {[]byte("name: " + strings.Repeat("[", 1<<20-10)), object, nil, ""},
		"a layer that is a bomb": {nil, object, gzipped(t, func(w io.Writer) {
			tarOfZeros(w, 1100<<20)
		}), "btfgen layer"},
		"a layer of 270,000 files": {nil, object, gzipped(t, func(w io.Writer) {
			tarOfFiles(w, 270_000, 20)
		}), "too many members"},
		"a layer of long names": {nil, object, gzipped(t, func(w io.Writer) {
			tarOfFiles(w, 300, 1<<19)
		}), "name has more than"},
		"a layer out of the directory":      {nil, object, gzipped(t, tarOfEscapes), ""},
		"BTF without what the object needs": {nil, withBTF(t, object, btfHeader(0, 1)), nil, "BTF"},
		"4 billion sections":                {nil, manySections(object), nil, "ELF"},
		"BTF of 4 billion types":            {nil, withBTF(t, object, btfHeader(0xfffffff0, 0xfffffff0)), nil, "BTF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			v.gadget(tc.metadata, tc.object, tc.layer)
			if got := v.run(t, "image", "pull", v.ref()); got.failed {
				t.Fatalf("pull: %s", got.output)
			}
			got := v.run(t, "image", "inspect", v.ref())
			t.Logf("%d MB: %.300s", got.peak>>20, got.output)
			if got.failed != (tc.want != "") || !strings.Contains(got.output, tc.want) {
				t.Errorf("inspect gives %.2000q, failed %v; want %q", got.output, got.failed, tc.want)
			}
			for _, args := range [][]string{
				{"run", v.ref(), "--help"},
				{"image", "unpack", "-o", filepath.Join(v.dir, "out", "deep", "gadget"), v.ref()},
			} {
				if err := os.MkdirAll(filepath.Join(v.dir, "out", "deep"), 0o755); err != nil {
					t.Fatal(err)
				}
				got := v.run(t, args...)
				t.Logf("%s, %d MB: %.300s", args[:2], got.peak>>20, got.output)
			}
			if left, _ := filepath.Glob(filepath.Join(v.dir, "evil*")); len(left) > 0 {
				t.Errorf("files came out of the directory: %q", left)
			}
			if left, _ := filepath.Glob(filepath.Join(v.dir, "out", "*", "evil*")); len(left) > 0 {
				t.Errorf("files came out of the directory: %q", left)
			}
		})
	}
}

func TestHostilePolicies(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"laughs":   {"version: 1\n" + laughs(), "policy"},
		"brackets": {"version: " + strings.Repeat("[", 1<<20-20), "policy"},
		"large":    {"version: 1\n#" + strings.Repeat("x", 2<<20), "bytes"},
		"patterns": {"version: 1\nrules:\n- match: [" + many(1000, func(int) string {
			return `"a/**/**/**/**/**/**/**/b*?*?*?*?*?*"`
		}) + "]\n  unsigned: allow\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t)
			v.gadget(nil, gadgettest.File(t, "open.bpf.o"), nil)
			policy := filepath.Join(v.dir, "policy.yaml")
			if err := os.WriteFile(policy, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got := v.run(t, "run", "--policy", policy, v.ref(), "--help")
			t.Logf("%d MB: %.300s", got.peak>>20, got.output)
			if got.failed != (tc.want != "") || !strings.Contains(got.output, tc.want) {
				t.Errorf("%.2000s, failed %v; want %q", got.output, got.failed, tc.want)
			}
		})
	}
}

// aliasBomb names the same few mappings so often, within the limit of a file,
// that they are a billion fields.
func aliasBomb() []byte {
	var b strings.Builder
	list := func(n int, alias string) {
		for i := range n {
			fmt.Fprintf(&b, "%d: *%s, ", i, alias)
		}
	}
	b.WriteString("name: x\nx-a: &a {a: b}\nx-f: &f {annotations: *a}\nx-m: &m {")
	list(20_000, "f")
	b.WriteString("}\nx-s: &s {fields: *m}\ndatasources: {")
	list(20_000, "s")
	b.WriteString("}\n")
	return []byte(b.String())
}

// laughs are aliases of aliases, which expand to a billion strings.
func laughs() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, many(10, func(int) string { return fmt.Sprintf("*a%d", i) }))
	}
	return text
}

// btfHeader is BTF that claims to have so much.
func btfHeader(types, strings uint32) []byte {
	data := []byte{0x9f, 0xeb, 1, 0}
	for _, n := range []uint32{24, 0, types, types, strings} {
		data = binary.LittleEndian.AppendUint32(data, n)
	}
	return data
}

// withBTF puts other BTF into an object.
func withBTF(t *testing.T, object, data []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(object)
	for i, s := range f.Sections {
		at := binary.LittleEndian.Uint64(out[0x28:]) + uint64(i)*64
		if s.Name == ".BTF.ext" {
			binary.LittleEndian.PutUint32(out[at:], 0) // it refers to the BTF that was there
		}
		if s.Name != ".BTF" {
			continue
		}
		binary.LittleEndian.PutUint64(out[at+24:], uint64(len(out)))
		binary.LittleEndian.PutUint64(out[at+32:], uint64(len(data)))
	}
	return append(out, data...)
}

// manySections claims that an object has 4 billion sections.
func manySections(object []byte) []byte {
	out := bytes.Clone(object)
	binary.LittleEndian.PutUint16(out[0x3c:], 0) // the count is in the first section
	at := binary.LittleEndian.Uint64(out[0x28:])
	binary.LittleEndian.PutUint64(out[at+32:], 0xffffffff)
	return out
}
