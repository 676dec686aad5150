package btfgen_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// relocations returns what cilium/ebpf reads of an object, by program.
func relocations(t testing.TB, path string) map[string][]*cbtf.CORERelocation {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]*cbtf.CORERelocation{}
	for name, prog := range spec.Programs {
		for i := range prog.Instructions {
			if r := cbtf.CORERelocationMetadata(&prog.Instructions[i]); r != nil {
				out[name] = append(out[name], r)
			}
		}
	}
	return out
}

// fixups relocates against raw BTF and describes each fixup. A relocation that
// writes a type id depends on how types are numbered and is left out.
func fixups(t testing.TB, relos []*cbtf.CORERelocation, raw []byte) []string {
	t.Helper()
	target, err := cbtf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	local := func(cbtf.Type) (cbtf.TypeID, error) { return 1, nil }
	var out []string
	for _, r := range relos {
		if strings.Contains(fmt.Sprint(r), "target_type_id") {
			continue
		}
		got, err := cbtf.CORERelocate([]*cbtf.CORERelocation{r}, []*cbtf.Spec{target}, binary.LittleEndian, local)
		out = append(out, fmt.Sprintf("%v: %+v %v", r, got, err))
	}
	return out
}

// TestAgainstCilium checks that cilium/ebpf relocates the same with the
// minimal BTF as with the whole.
func TestAgainstCilium(t *testing.T) {
	for _, name := range objectNames {
		path := object(name, "el")
		byProgram := relocations(t, path)
		if len(byProgram) == 0 {
			t.Fatalf("%s: no program has relocations", name)
		}
		o := readObject(t, path)
		for _, a := range archives(t) {
			full := readArchive(t, a)
			small := minimal(t, o, full).BTF
			for prog, relos := range byProgram {
				want, got := fixups(t, relos, full), fixups(t, relos, small)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s on %s (-whole +minimal):\n%s", name, prog, a.Kernel, diff)
				}
			}
		}
	}
}

// TestAgainstCiliumNotices is the negative control: with the minimal BTF of
// another object the fixups differ.
func TestAgainstCiliumNotices(t *testing.T) {
	a := archives(t)[0]
	full := readArchive(t, a)
	wrong := minimal(t, readObject(t, object("enums", "el")), full).BTF
	for prog, relos := range relocations(t, object("fields", "el")) {
		if cmp.Equal(fixups(t, relos, full), fixups(t, relos, wrong)) {
			t.Errorf("%s: the comparison notices nothing", prog)
		}
	}
}

// TestEmptyObject is an object without relocations: empty BTF, no error.
func TestEmptyObject(t *testing.T) {
	a := archives(t)[0]
	res := minimal(t, &core.Object{Name: "none"}, readArchive(t, a))
	spec, err := cbtf.LoadSpecFromReader(bytes.NewReader(res.BTF))
	if err != nil {
		t.Fatal(err)
	}
	for typ, err := range spec.All() {
		if _, ok := typ.(*cbtf.Void); !ok || err != nil {
			t.Errorf("empty BTF has type %v, %v", typ, err)
		}
	}
}
