package network

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Queues attaches tc programs to the ends of the queues of packets of network
// interfaces: by tcx, which Linux 6.6 has and which ends with this process, else by
// a clsact qdisc.
type Queues struct {
	interfaces []string
	// OnlyClsact leaves tcx out.
	OnlyClsact bool

	mu     sync.Mutex
	qdiscs map[place]*qdisc
}

// NewQueues returns the queues of the interfaces with these names, or of all but
// the loopback interface without any.
func NewQueues(interfaces []string) *Queues {
	return &Queues{interfaces: interfaces, qdiscs: map[place]*qdisc{}}
}

// Hook returns a hook for programs that see what comes in, or what goes out.
func (q *Queues) Hook(egress bool) Hook {
	return func(prog *ebpf.Program) (io.Closer, error) {
		names := q.interfaces
		if len(names) == 0 {
			var err error
			if names, err = nonLoopback(); err != nil {
				return nil, err
			}
		}
		return OnInterfaces(names, func(index int) (io.Closer, error) { return q.attach(index, prog, egress) })
	}
}

func (q *Queues) attach(index int, prog *ebpf.Program, egress bool) (io.Closer, error) {
	where := ebpf.AttachTCXIngress
	if egress {
		where = ebpf.AttachTCXEgress
	}
	if !q.OnlyClsact {
		ln, err := link.AttachTCX(link.TCXOptions{Interface: index, Program: prog, Attach: where})
		if !errors.Is(err, ebpf.ErrNotSupported) {
			return ln, err
		}
	}
	return q.addFilter(index, prog, egress)
}

// nonLoopback returns the names of the interfaces of the namespace but the loopback
// interface.
func nonLoopback() ([]string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	var names []string
	for _, nic := range all {
		if nic.Flags&net.FlagLoopback == 0 {
			names = append(names, nic.Name)
		}
	}
	return names, nil
}
