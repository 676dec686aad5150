package pinned_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/toolchain/lock"
)

// TestUnfetchableProgram leaves nothing that would be taken for a program
// the next time.
func TestUnfetchableProgram(t *testing.T) {
	broken := errors.New("broken")
	for name, fetch := range map[string]pinned.Fetch{
		"broken":     func(context.Context, pinned.Package) ([]byte, error) { return nil, broken },
		"no package": func(context.Context, pinned.Package) ([]byte, error) { return []byte("no package"), nil },
	} {
		c := pinned.Cache{Dir: t.TempDir(), Fetch: fetch}
		for range 2 {
			if _, err := c.Program(t.Context(), arch.AMD64, lock.OCIRuntime, "crun"); err == nil ||
				!strings.HasPrefix(err.Error(), "getting the pinned crun: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		entries, err := os.ReadDir(c.Dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: left in the cache: %v, %v; want the lock file alone", name, entries, err)
		}
	}
}

// TestProgramOfNoLock refuses what the lock file does not have.
func TestProgramOfNoLock(t *testing.T) {
	c := pinned.Cache{Dir: t.TempDir(), Fetch: func(context.Context, pinned.Package) ([]byte, error) {
		t.Error("something was fetched")
		return nil, nil
	}}
	for _, test := range []struct {
		a          arch.Arch
		data, name string
	}{
		{arch.AMD64, string(lock.OCIRuntime), "runc"},
		{"riscv64", string(lock.OCIRuntime), "crun"},
		{arch.AMD64, "{}", "crun"},
		{arch.AMD64, "no json", "crun"},
	} {
		if p, err := c.Program(t.Context(), test.a, []byte(test.data), test.name); err == nil {
			t.Errorf("%s of %.10q for %s: %v", test.name, test.data, test.a, p)
		}
	}
}
