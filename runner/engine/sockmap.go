package engine

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// attachSockMap attaches to the sockets of a map of the object.
func attachSockMap(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	m := l.coll.Maps[pr.Map]
	if m == nil {
		return nil, fmt.Errorf("the map of sockets is unknown, name it with GADGET_SK_TARGET_MAP(%s, MAP)", pr.Name)
	}
	opts := link.RawAttachProgramOptions{
		Target: m.FD(), Program: prog, Attach: l.plan.Collection.Programs[pr.Name].AttachType,
	}
	if err := link.RawAttachProgram(opts); err != nil {
		return nil, fmt.Errorf("map %q: %w", pr.Map, err)
	}
	return sockMapProgram(opts), nil
}

// sockMapProgram is a program that is attached to a map.
type sockMapProgram link.RawAttachProgramOptions

// Close detaches it.
func (s sockMapProgram) Close() error {
	return link.RawDetachProgram(link.RawDetachProgramOptions{Target: s.Target, Program: s.Program, Attach: s.Attach})
}
