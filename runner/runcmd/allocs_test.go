package runcmd

import (
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// stackMap is a map of stacks with one stack.
type stackMap []uint64

func (m stackMap) Lookup(_, value any) error {
	copy(value.(*[symbolizer.MaxDepth]uint64)[:], m)
	return nil
}

// TestEventsAllocateNothing hands the same event on again and again: through the
// operators of containers, filters and stacks, which have found what it needs.
func TestEventsAllocateNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		object string
		cmd    Cmd
	}{
		"containers as JSON":    {"contained.bpf.o", Cmd{Output: "json"}},
		"containers in columns": {"contained.bpf.o", Cmd{Output: "columns"}},
		"a filter":              {"contained.bpf.o", Cmd{Output: "json", Filter: []string{"comm==bash"}}},
		"a choice of containers": {
			"contained.bpf.o",
			Cmd{Output: "json", SelectorFlags: container.SelectorFlags{ContainerName: "web"}},
		},
		"stacks as JSON": {"stacks.bpf.o", Cmd{Output: "json"}},
		"packets":        {"packets.bpf.o", Cmd{Output: "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			ev, sample := steadyEvents(t, tc.object, tc.cmd)
			for range 100 {
				ev.Event(0, sample)
			}
			if n := testing.AllocsPerRun(1000, func() { ev.Event(0, sample) }); n > 0 {
				t.Errorf("%v allocations an event", n)
			}
			if ev.parts[0].seen.Load() == 0 {
				t.Error("no event passed")
			}
			if err := ev.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// steadyEvents returns the handler of a gadget on a machine with one container, and
// an event from there.
func steadyEvents(t *testing.T, object string, cmd Cmd) (*events, []byte) {
	t.Helper()
	plan, err := gadgetapi.Read(gadgettest.File(t, object), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{
		cmd: &cmd, kernel: btf.NewCache(), g: &cli.Globals{Stdout: io.Discard, Stderr: io.Discard}, plan: plan,
		runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) { return nil, nil },
	}
	if err := s.openContainers(); err != nil {
		t.Fatal(err)
	}
	s.containers.present = true
	n := newNode(container.Container{
		Runtime: container.Runtime{Name: "podman", ID: "0123456789abcdef", Container: "web"}, MountNS: 5, NetNS: 5,
	})
	go func() { _ = s.containers.tracker.Run(t.Context(), n) }()
	<-s.containers.tracker.Listed()
	s.stacks.Bind(stackMap{0xffffffff81000000, 0x1000}, stackMap{0x400000, 0x500000}, nil,
		symbolizer.NewUser(symbolizer.Options{}), func(error) {})
	ev, err := s.events()
	if err != nil {
		t.Fatal(err)
	}
	ev.start(io.Discard, func(error) {})
	sample := make([]byte, ev.sources[0].Size)
	for _, f := range ev.sources[0].All() {
		switch {
		case f.Size == 8 && f.Name == "mntns_id", f.Size == 4 && f.Name == "netns_id":
			sample[f.Offset] = 5
		case f.Size == 4 && (f.Name == "tgid_level0" || f.Name == "pid"):
			binary.NativeEndian.PutUint32(sample[f.Offset:], uint32(os.Getpid()))
		case f.Name == "base_addr_hash" && f.Size >= 4:
			sample[f.Offset] = 1
		case f.Name == "comm":
			copy(sample[f.Offset:], "bash")
		}
	}
	return ev, sample
}
