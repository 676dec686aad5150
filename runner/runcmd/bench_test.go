package runcmd

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// BenchmarkEvent is what one event of a small gadget costs from the buffer to the
// output: with the fields of the container that it is from, and without.
func BenchmarkEvent(b *testing.B) {
	for _, bc := range []struct {
		name  string
		mount uint64
		plain bool
		cmd   Cmd
	}{
		{"json without container fields", 0, true, Cmd{Output: "json"}},
		{"json without runtimes", 0, false, Cmd{Output: "json"}},
		{"json of the host", 6, false, Cmd{Output: "json"}},
		{"json of a container", 5, false, Cmd{Output: "json"}},
		{"columns", 5, false, Cmd{Output: "columns"}},
		{"filtered out by -F", 5, false, Cmd{Output: "json", Filter: []string{"comm==none"}}},
		{"filtered out by -E", 5, false, Cmd{Output: "json", FilterExpr: []string{`comm == "none"`}}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			plan, err := gadgetapi.Read(gadgettest.File(b, "contained.bpf.o"), gadgetapi.Metadata{})
			if err != nil {
				b.Fatal(err)
			}
			s := &session{
				cmd: &bc.cmd, kernel: btf.NewCache(), g: &cli.Globals{Stdout: io.Discard, Stderr: io.Discard}, plan: plan,
				runtimes: func(container.RuntimeFlags, func(string)) (enrich.Source, error) { return nil, nil },
			}
			if err := s.openContainers(); err != nil {
				b.Fatal(err)
			}
			s.containers.present = bc.mount != 0
			n := newNode(container.Container{Runtime: container.Runtime{
				Name: "podman", ID: "0123456789abcdef", Container: "web",
			}, MountNS: 5})
			go func() { _ = s.containers.tracker.Run(b.Context(), n) }()
			<-s.containers.tracker.Listed()
			if bc.plain {
				env := hostEnv(s.kernelEnum)
				s.env = &env
			}
			ev, err := s.events()
			if err != nil {
				b.Fatal(err)
			}
			ev.start(io.Discard, func(error) {})
			sample := make([]byte, ev.sources[0].Size)
			binary.NativeEndian.PutUint64(sample, bc.mount)
			copy(sample[16:], "bash")
			b.ReportAllocs()
			for b.Loop() {
				ev.Event(0, sample)
			}
			if err := ev.finish(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
