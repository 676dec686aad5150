package assemble_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// enumsProgram has each enum with a typedef as underlying type beside one without.
const enumsProgram = `typedef unsigned long long u64; typedef signed char s8; typedef int s32; typedef unsigned char u8;
typedef long long s64; typedef unsigned short u16; typedef s8 s8_again; typedef const u64 cu64;
enum u64_typedef : u64 { A1 = 1, A2 = 0x8000000000000000ULL };
enum u64_plain : unsigned long long { B1 = 1, B2 = 0x8000000000000000ULL };
enum s64_typedef : s64 { C1 = -9223372036854775807LL - 1, C2 = -2 };
enum s8_typedef : s8 { D1 = -1, D2 = 1 };
enum s8_twice : s8_again { E1 = -128 };
enum s32_typedef : s32 { F1 = -1 };
enum u8_typedef : u8 { G1 = 200 };
enum u16_typedef : u16 { H1 = 0xffff };
enum small_u64 : u64 { I1 = 1 };
enum unsigned_plain { J1 = 0xffffffff };
enum const_u64 : cu64 { K1 = 1ULL << 40 };
struct event {
	enum u64_typedef a; enum u64_plain b; enum s64_typedef c; enum s8_typedef d; enum s8_twice e; enum s32_typedef f;
	enum u8_typedef g; enum u16_typedef h; enum small_u64 i; enum unsigned_plain j; enum const_u64 k;
	enum : s8 { L1 = -3 } l;
	struct forward *m;
};
__attribute__((section("tracepoint/a/b"), used)) int enter(struct event *e) { return e->a == A2; }
`

func TestCompileRepairsEnumsOfTypedefs(t *testing.T) {
	tc := realToolchain(t)
	dir := writeFiles(t, map[string]string{"program.bpf.c": enumsProgram})
	for _, a := range arch.All() {
		result, err := assemble.Compile(context.Background(), assemble.CompileRequest{
			Directory: assemble.Directory{Dir: dir}, Toolchain: tc, Arch: a,
		})
		if err != nil {
			t.Fatal(err)
		}
		spec, err := cbtf.LoadSpecFromReader(bytes.NewReader(result.Object))
		if err != nil {
			t.Fatal(err)
		}
		var event *cbtf.Struct
		if err := spec.TypeByName("event", &event); err != nil {
			t.Fatal(err)
		}
		type enum struct {
			Size   uint32
			Signed bool
			Value  uint64 // of the last enumerator
		}
		got := map[string]enum{}
		for _, m := range event.Members {
			if e, ok := m.Type.(*cbtf.Enum); ok {
				got[m.Name] = enum{e.Size, e.Signed, e.Values[len(e.Values)-1].Value}
			}
		}
		want := map[string]enum{
			"a": {8, false, 1 << 63}, "b": {8, false, 1 << 63}, "c": {8, true, 1<<64 - 2}, "d": {1, true, 1},
			"e": {1, true, 1<<64 - 128}, "f": {4, true, 1<<64 - 1}, "g": {1, false, 200}, "h": {2, false, 0xffff},
			"i": {8, false, 1}, "j": {4, false, 0xffffffff}, "k": {8, false, 1 << 40}, "l": {1, true, 1<<64 - 3},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: enums (-want +got):\n%s", a, diff)
		}
		if _, err := spec.AnyTypeByName("forward"); err != nil {
			t.Error(err)
		}
		if binary.LittleEndian.Uint32(result.Object) != 0x464c457f {
			t.Error("the object is not an ELF file")
		}
	}
}
