package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/thread"
)

// writeTypes writes the BTF of types, and returns its bytes.
func writeTypes(t *testing.T, path string, types ...btf.Type) []byte {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return data
}

// prepareBTF fills dir, which has the types of a kernel, with those of a good
// module and of broken ones.
func prepareBTF(t *testing.T, dir string) {
	t.Helper()
	whole := writeTypes(t, filepath.Join(dir, "good"), &btf.Pointer{Target: &btf.Void{}})
	for name, data := range map[string][]byte{
		"garbage": []byte("no types"), "empty": nil,
		"truncated": whole[:len(whole)-8],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenModules(t *testing.T) {
	dir := t.TempDir()
	if broken, err := BrokenModules(dir); err == nil {
		t.Errorf("without types of the kernel: got %v, want an error", broken)
	}
	if f := moduleBTF(dir); f.Missing() || !strings.HasPrefix(f.State, "unknown") {
		t.Errorf("without types of the kernel: got %+v", f)
	}
	writeTypes(t, filepath.Join(dir, vmlinux), &btf.Int{Name: "int", Size: 4})
	if f := moduleBTF(dir); f.State != "yes" {
		t.Errorf("without modules: got %+v", f)
	}
	prepareBTF(t, dir)
	broken, err := BrokenModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range broken {
		names = append(names, b.Name)
	}
	if got := strings.Join(names, " "); got != "empty garbage truncated" {
		t.Errorf("got %q", got)
	}
	f := moduleBTF(dir)
	if !f.Missing() || !strings.Contains(f.State, "3 broken") || !strings.Contains(f.Hint, "garbage (") {
		t.Errorf("the doctor says %+v", f)
	}
}

// TestBrokenModulesStopNothing loads a program that needs the types of the kernel
// alone, next to modules whose types are broken.
func TestBrokenModulesStopNothing(t *testing.T) {
	gadgettest.NeedsKernel(t)
	kernel, err := os.ReadFile(filepath.Join(SysBTF, vmlinux))
	if err != nil {
		t.Skipf("needs a kernel with BTF: %v", err)
	}
	plan, err := gadgetapi.Read(gadgettest.File(t, "counts.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if !plan.NeedsBTF() {
		t.Fatal("the program needs no types, the test proves nothing")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, vmlinux), kernel, 0o600); err != nil {
		t.Fatal(err)
	}
	prepareBTF(t, dir)
	var notes []string
	err = thread.Run(func() error {
		if err := mountOver(dir, SysBTF); err != nil {
			return err
		}
		l, err := Load(plan, LoadOptions{Note: func(_ string, args ...any) {
			for _, a := range args {
				if b, ok := a.(BrokenModule); ok {
					notes = append(notes, b.Name)
				}
			}
		}})
		if err != nil {
			return err
		}
		return l.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(notes, " "); got != "empty garbage truncated" {
		t.Errorf("noted %q", got)
	}
}

// mountOver shows the directory dir at another place, to the calling thread alone.
func mountOver(dir, at string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mount namespace private: %w", err)
	}
	return unix.Mount(dir, at, "", unix.MS_BIND, "")
}
