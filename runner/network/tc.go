package network

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Queues returns a hook for tc programs: to the ends of the queues of packets that
// come in or go out, of the interfaces with these names, or of all but the loopback
// interface when there are none. It needs tcx of Linux 6.6.
func Queues(interfaces []string, egress bool) Hook {
	where := ebpf.AttachTCXIngress
	if egress {
		where = ebpf.AttachTCXEgress
	}
	return func(prog *ebpf.Program) (io.Closer, error) {
		names := interfaces
		if len(names) == 0 {
			var err error
			if names, err = outwards(); err != nil {
				return nil, err
			}
		}
		all, err := OnInterfaces(names, func(index int) (io.Closer, error) {
			return link.AttachTCX(link.TCXOptions{Interface: index, Program: prog, Attach: where})
		})
		if errors.Is(err, ebpf.ErrNotSupported) {
			return nil, fmt.Errorf("it needs Linux 6.6: %w", err)
		}
		return all, err
	}
}

// outwards returns the names of the interfaces of the namespace but the loopback
// interface.
func outwards() ([]string, error) {
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
