package engine_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// programsOf returns the names of the programs of an object, sorted.
func programsOf(t *testing.T, object string) []string {
	t.Helper()
	p, err := gadgetapi.Read(gadgettest.File(t, object), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	return p.ProgramNames()
}

// netPlan returns net.bpf.o with one program enabled.
func netPlan(t *testing.T, name string, options gadgetapi.ProgramOptions) *gadgetapi.Spec {
	t.Helper()
	programs := map[string]gadgetapi.ProgramOptions{name: options}
	for _, other := range programsOf(t, "net.bpf.o") {
		if other != name {
			programs[other] = gadgetapi.ProgramOptions{AttachTo: gadgetapi.DisabledTarget}
		}
	}
	p, err := gadgetapi.Read(gadgettest.File(t, "net.bpf.o"), gadgetapi.Metadata{Programs: programs})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAttachToPlaces runs a program of each kind on the loopback interface, the root
// of cgroup v2 or an event of the CPUs, and waits for an event of it.
func TestAttachToPlaces(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, name := range programsOf(t, "net.bpf.o") {
		t.Run(name, func(t *testing.T) {
			runNet(t, netPlan(t, name, gadgetapi.ProgramOptions{}), name)
		})
	}
	t.Run("sampler of the hardware", func(t *testing.T) {
		runNet(t, netPlan(t, "sampler", gadgetapi.ProgramOptions{
			PerfType: "hardware", PerfConfig: "PERF_COUNT_HW_CPU_CYCLES",
		}), "sampler")
	})
}

func runNet(t *testing.T, p *gadgetapi.Spec, name string) {
	t.Helper()
	l, err := engine.Load(p, engine.LoadOptions{
		Places: engine.Places{Interfaces: []string{"lo"}}, Note: t.Logf, Detail: t.Logf,
	})
	if errors.Is(err, ebpf.ErrNotSupported) || err != nil && strings.Contains(err.Error(), "needs Linux ") {
		t.Skipf("needs a kernel with programs of this kind: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var seen atomic.Bool
	rec := &recorder{found: func(s []byte) {
		if bytes.HasPrefix(s, []byte(name+"\x00")) && !seen.Swap(true) {
			cancel()
		}
	}}
	var running sync.WaitGroup
	// Not a cleanup: the directory that sendTraffic requests would be removed before it ends.
	defer func() { cancel(); running.Wait() }()
	if err := l.Run(ctx, rec, func() { running.Go(func() { sendTraffic(ctx, t) }) }); err != nil {
		if strings.Contains(err.Error(), "CONFIG_NET_SCH_INGRESS") {
			t.Skipf("needs a kernel with tcx or clsact: %v", err)
		}
		t.Fatal(err)
	}
	if !seen.Load() {
		t.Error("no event came")
	}
}

// TestMissingPlaces holds the sentences for programs that have no place.
func TestMissingPlaces(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, tc := range []struct {
		program, want string
		options       gadgetapi.ProgramOptions
		places        engine.Places
	}{
		{program: "on_xdp", want: "choose them with --iface NAME"},
		{program: "tc_in", want: "choose them with --iface NAME"},
		{program: "tc_in", want: `network interface "nosuch0"`, places: engine.Places{Interfaces: []string{"nosuch0"}}},
		{program: "socket", want: `network interface "nosuch0"`, places: engine.Places{Interfaces: []string{"nosuch0"}}},
		{program: "cg_in", want: "is not a directory of cgroup v2", places: engine.Places{Cgroup: t.TempDir()}},
		{program: "sampler", want: `sampler rate "often"`, options: gadgetapi.ProgramOptions{Frequency: "often"}},
		{program: "sampler", want: `perf type "soft"`, options: gadgetapi.ProgramOptions{PerfType: "soft"}},
		{program: "sampler", want: `perf config "x"`, options: gadgetapi.ProgramOptions{PerfConfig: "x"}},
	} {
		l, err := engine.Load(netPlan(t, tc.program, tc.options), engine.LoadOptions{Places: tc.places})
		if err == nil {
			err = l.Attach()
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.program, err, tc.want)
		}
	}
}
