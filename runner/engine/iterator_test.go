package engine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// iteratorTargets are the targets of this kernel: it has a function for each, which says
// what programs get.
func iteratorTargets(t *testing.T) []string {
	t.Helper()
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for typ, err := range types.All() {
		if err != nil {
			t.Fatal(err)
		}
		f, ok := typ.(*btf.Func)
		if !ok {
			continue
		}
		if target, ok := strings.CutPrefix(f.Name, "bpf_iter_"); ok {
			out = append(out, target)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mapsOfTargets are the maps that iterators of some targets read.
func mapsOfTargets() map[string]*ebpf.MapSpec {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	return map[string]*ebpf.MapSpec{
		"bpf_map_elem": {Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		"sockmap":      {Type: ebpf.SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		"bpf_sk_storage_map": { // 1 is BPF_F_NO_PREALLOC
			Type: ebpf.SkStorage, Flags: 1, KeySize: 4, ValueSize: 4, Key: number, Value: number,
		},
	}
}

// TestEveryIteratorTarget attaches an iterator of every target that this kernel has, and
// reads it to its end.
func TestEveryIteratorTarget(t *testing.T) {
	gadgettest.NeedsKernel(t)
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Skip("needs BTF of the kernel's own")
	}
	read := 0
	for _, target := range iteratorTargets(t) {
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: target, License: "GPL",
			Instructions: harmlessBody(0),
		})
		if err != nil {
			continue // a function of another purpose
		}
		defer prog.Close()
		var m *ebpf.Map
		if spec := mapsOfTargets()[target]; spec != nil {
			if m, err = ebpf.NewMap(spec); err != nil {
				t.Errorf("%s: %v", target, err)
				continue
			}
			defer m.Close()
		}
		it, err := attachIterator(target, prog, m, "")
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if _, err := readIters([]*link.Iter{it}); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if err := it.Close(); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		read++
	}
	if read < 8 {
		t.Errorf("only %d targets were read", read)
	}
}

// TestCgroupIterator has the program called for each control group below a directory,
// and at the end.
func TestCgroupIterator(t *testing.T) {
	gadgettest.NeedsKernel(t)
	root, err := (Places{}).cgroup()
	if err != nil {
		t.Skipf("needs cgroup v2: %v", err)
	}
	dir := filepath.Join(root, "iterated")
	for _, d := range []string{dir, filepath.Join(dir, "inner")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Skipf("needs control groups that can be made: %v", err)
		}
		defer os.Remove(d)
	}
	calls, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: targetCgroup, License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMapValue(asm.R1, calls.FD(), 0), asm.Mov.Imm(asm.R2, 1), asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R0, 0), asm.Return(),
		},
	})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, ebpf.ErrNotSupported) {
			t.Skipf("needs iterators over control groups: %v", err)
		}
		t.Fatal(err)
	}
	defer prog.Close()
	it, err := attachIterator(targetCgroup, prog, nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := calls.Lookup(uint32(0), &n); err != nil || n != 3 { // dir, inner, the end
		t.Errorf("%d calls, %v, want 3", n, err)
	}
}
