package engine_test

import (
	"runtime"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestWarmTypes decodes types that a cache then has: the next lookup decodes nothing.
func TestWarmTypes(t *testing.T) {
	gadgettest.NeedsKernel(t)
	plan, err := gadgetapi.Read(gadgettest.File(t, "counts.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if !plan.NeedsBTF() {
		t.Fatal("the fixture has no relocations")
	}
	cache := btf.NewCache()
	if _, err := cache.Kernel(); err != nil {
		t.Fatal(err)
	}
	mallocs := make([]uint64, 2)
	for i := range mallocs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := engine.WarmTypes(plan, cache); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		mallocs[i] = after.Mallocs - before.Mallocs
	}
	if mallocs[1] > mallocs[0]/4 {
		t.Errorf("%d objects were made at first, %d when the cache had the types", mallocs[0], mallocs[1])
	}
}
