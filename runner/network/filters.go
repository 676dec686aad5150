package network

import (
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Names that linux/pkt_sched.h has for a clsact qdisc and its two ends.
const (
	clsactHandle  = 0xffff0000
	clsactParent  = 0xfffffff1
	ingressParent = 0xfffffff2
	egressParent  = 0xfffffff3
)

// firstInfo marks a filter that runs first and sees packets of every protocol.
var firstInfo = 1<<16 | uint32(nl.Swap16(unix.ETH_P_ALL))

// filter is a filter of a qdisc.
type filter struct {
	handle, parent, info uint32
	kind, name           string
	program              uint32 // its id
}

// trafficControl changes what is attached to one interface. The package netlink has
// the same for all kinds of qdiscs and filters, and would add a megabyte to the
// program.
type trafficControl struct {
	socket *nl.SocketHandle
	index  int
}

// openTrafficControl opens it in the network namespace of this thread.
func openTrafficControl(index int) (trafficControl, error) {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return trafficControl{}, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return trafficControl{&nl.SocketHandle{Socket: socket}, index}, nil
}

func (c trafficControl) close() { c.socket.Close() }

// request returns a message of the kernel's traffic control.
func (c trafficControl) request(kind, flags int, handle, parent, info uint32) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(kind, flags)
	r.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: c.socket}
	r.AddData(&nl.TcMsg{
		Family: nl.FAMILY_ALL, Ifindex: int32(c.index), Handle: handle, Parent: parent, Info: info,
	})
	return r
}

func do(r *nl.NetlinkRequest) error {
	_, err := r.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// addClsact makes the qdisc; it fails with EEXIST where there is one.
func (c trafficControl) addClsact() error {
	r := c.request(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, clsactHandle, clsactParent, 0)
	r.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("clsact")))
	return do(r)
}

// removeClsact removes the qdisc with its filters.
func (c trafficControl) removeClsact() error {
	return do(c.request(unix.RTM_DELQDISC, unix.NLM_F_ACK, clsactHandle, clsactParent, 0))
}

// add adds a filter that is the program with this descriptor; it fails with EEXIST
// where the handle is taken.
func (c trafficControl) add(f filter, fd int) error {
	r := c.request(unix.RTM_NEWTFILTER, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, f.handle, f.parent, f.info)
	r.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(f.kind)))
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	options.AddRtAttr(nl.TCA_BPF_FD, nl.Uint32Attr(uint32(fd)))
	options.AddRtAttr(nl.TCA_BPF_NAME, nl.ZeroTerminated(f.name))
	options.AddRtAttr(nl.TCA_BPF_FLAGS, nl.Uint32Attr(nl.TCA_BPF_FLAG_ACT_DIRECT))
	r.AddData(options)
	return do(r)
}

func (c trafficControl) remove(f filter) error {
	r := c.request(unix.RTM_DELTFILTER, unix.NLM_F_ACK, f.handle, f.parent, f.info)
	r.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(f.kind)))
	return do(r)
}

// filters lists the filters of an end of the qdisc.
func (c trafficControl) filters(parent uint32) ([]filter, error) {
	r := c.request(unix.RTM_GETTFILTER, unix.NLM_F_DUMP, 0, parent, 0)
	messages, err := r.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWTFILTER)
	if err != nil {
		return nil, err
	}
	var all []filter
	for _, m := range messages {
		if len(m) < nl.SizeofTcMsg {
			return nil, fmt.Errorf("a message about a filter has %d bytes", len(m))
		}
		head := nl.DeserializeTcMsg(m)
		f := filter{handle: head.Handle, parent: head.Parent, info: head.Info}
		one, err := f.read(m[nl.SizeofTcMsg:])
		if err != nil {
			return nil, err
		}
		if one {
			all = append(all, f)
		}
	}
	return all, nil
}

// read reads the attributes of a filter. It returns false for those of a priority,
// which come before its filters and have no options.
func (f *filter) read(data []byte) (bool, error) {
	attributes, err := nl.ParseRouteAttrAsMap(data)
	if err != nil {
		return false, err
	}
	f.kind = unix.ByteSliceToString(attributes[nl.TCA_KIND].Value)
	options, found := attributes[nl.TCA_OPTIONS]
	if !found || f.kind != "bpf" {
		return found, nil
	}
	if attributes, err = nl.ParseRouteAttrAsMap(options.Value); err != nil {
		return false, err
	}
	f.name = unix.ByteSliceToString(attributes[nl.TCA_BPF_NAME].Value)
	if id := attributes[nl.TCA_BPF_ID].Value; len(id) == 4 {
		f.program = nl.NativeEndian().Uint32(id)
	}
	return true, nil
}
