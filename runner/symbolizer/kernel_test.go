package symbolizer

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const kallsyms = `ffffffff81000000 T _text
ffffffff81000000 T startup
ffffffff81001000 t first_function
ffffffff81003000 D some_data
ffffffff81002000 W second_function
ffffffffc0001000 t of_module	[mod]
not a line
ffffffff8100zz00 T bad_number
`

func TestKallsyms(t *testing.T) {
	table, err := parseKallsyms(strings.NewReader(kallsyms))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]string{
		0xffffffff80ffffff: "", 0xffffffff81000000: "_text", 0xffffffff81001fff: "first_function",
		0xffffffff81002000: "second_function", 0xffffffff81003004: "second_function",
		0xffffffffc0001001: "of_module", 0xffffffffc0000fff: "",
	} {
		if got := string(table.find(addr)); got != want {
			t.Errorf("%#x is in %q, want %q", addr, got, want)
		}
	}
	for name, want := range map[string]bool{"some_data": true, "of_module": true, "some": false, "bad_number": false} {
		if table.exists(name) != want {
			t.Errorf("exists(%q) = %v", name, !want)
		}
	}
}

func TestHiddenKallsyms(t *testing.T) {
	_, err := parseKallsyms(strings.NewReader("0000000000000000 T _text\n0000000000000000 t other\n"))
	if !errors.Is(err, ErrHidden) {
		t.Errorf("%v, want ErrHidden", err)
	}
}

// TestKernelOfThisMachine looks up a function that every kernel has.
func TestKernelOfThisMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for the addresses of the kernel's symbols")
	}
	var k Kernel
	if err := k.Load(); errors.Is(err, ErrHidden) {
		t.Skip("needs the addresses of the kernel's symbols")
	} else if err != nil {
		t.Fatal(err)
	}
	if !k.Exists("schedule") || k.Exists("no_such_function_anywhere") {
		t.Error("schedule is unknown, or everything is known")
	}
	allocs := testing.AllocsPerRun(100, func() { k.Find(k.table.addrs[len(k.table.addrs)/2] + 1) })
	if allocs > 0 {
		t.Errorf("%v allocations a lookup", allocs)
	}
	t.Logf("%d functions, %d KB", len(k.table.addrs), (12*cap(k.table.addrs)+cap(k.table.names)+cap(k.table.unnamed))>>10)
}

func FuzzKallsyms(f *testing.F) {
	f.Add(kallsyms)
	f.Fuzz(func(_ *testing.T, s string) {
		if t, err := parseKallsyms(strings.NewReader(s)); err == nil {
			t.find(0xffffffff81001fff)
			t.exists("x")
		}
	})
}

// stackMap is a map of stacks in memory.
type stackMap map[uint32][]uint64

func (m stackMap) Lookup(key, value any) error {
	stack, ok := m[key.(uint32)]
	if !ok {
		return os.ErrNotExist
	}
	copy(value.(*[MaxDepth]uint64)[:], stack)
	return nil
}

func TestKernelStacks(t *testing.T) {
	table, err := parseKallsyms(strings.NewReader(kallsyms))
	if err != nil {
		t.Fatal(err)
	}
	k := &Kernel{table: table}
	k.once.Do(func() {})
	// The second returns to the byte after first_function, which called.
	s := NewKernelStacks(stackMap{7: {0xffffffff81002000, 0xffffffff81002000, 0x1000}}, k)
	for id, want := range map[uint32]string{
		7: "second_function; first_function; [unknown]; ", 8: "", uint32(0xfffffff2): "",
	} {
		if got := string(s.Append(nil, id)); got != want {
			t.Errorf("stack %d is %q, want %q", int32(id), got, want)
		}
	}
	buf := make([]byte, 0, 256)
	if allocs := testing.AllocsPerRun(100, func() { s.Append(buf, 7) }); allocs > 0 {
		t.Errorf("%v allocations for a stack that is known", allocs)
	}
}
