package network

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// maxFilters is how many filters of the first priority an end of a queue may have.
const maxFilters = 64

// place is a network interface of a namespace.
type place struct {
	namespace uint32
	index     int
}

// qdisc is the clsact qdisc of an interface, which holds filters.
type qdisc struct {
	at      place
	control trafficControl // in the namespace
	made    bool           // by this process
	users   int
}

// parents are the ends of a queue.
var parents = map[bool]uint32{false: ingressParent, true: egressParent}

// addFilter attaches prog by a filter. Unlike a link a filter outlives this process:
// when that is killed, the filter stays without its program, which the kernel has
// taken out of the dispatcher's table, and the next process that attaches there removes it.
func (q *Queues) addFilter(index int, prog *ebpf.Program, egress bool) (io.Closer, error) {
	d, err := q.open(index)
	if err != nil {
		return nil, err
	}
	f, err := d.add(prog, parents[egress])
	if err != nil {
		return nil, errors.Join(fmt.Errorf("adding a filter to its clsact qdisc: %w", err), q.release(d))
	}
	return &attachedFilter{q, d, f}, nil
}

// open returns the qdisc of an interface, which it makes if need be.
func (q *Queues) open(index int) (*qdisc, error) {
	ns, err := openNamespace(Own)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	at := place{ns.id, index}
	if d := q.qdiscs[at]; d != nil {
		d.users++
		return d, nil
	}
	control, err := openTrafficControl(index)
	if err != nil {
		return nil, err
	}
	d := &qdisc{at: at, control: control, users: 1}
	switch err := control.addClsact(); {
	case err == nil:
		d.made = true
	case !errors.Is(err, unix.EEXIST):
		control.close()
		return nil, fmt.Errorf("making a clsact qdisc, which needs Linux 6.6 or CONFIG_NET_SCH_INGRESS: %w", err)
	}
	q.qdiscs[at] = d
	return d, nil
}

// release ends one use of a qdisc. The last one removes it, when this process made
// it and no other program uses it.
func (q *Queues) release(d *qdisc) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d.users--; d.users > 0 {
		return nil
	}
	delete(q.qdiscs, d.at)
	defer d.control.close()
	if !d.made || d.used() {
		return nil
	}
	return ignoreGone(d.control.removeClsact())
}

// used reports whether filters are there; where that is not known they may be.
func (d *qdisc) used() bool {
	for _, parent := range parents {
		filters, err := d.control.filters(parent)
		if err != nil || len(filters) > 0 {
			return true
		}
	}
	return false
}

// add adds a filter that runs before those of others and lets them run as well.
func (d *qdisc) add(prog *ebpf.Program, parent uint32) (filter, error) {
	d.sweep(parent)
	for handle := uint32(1); handle <= maxFilters; handle++ {
		f := filter{handle: handle, parent: parent, info: firstInfo, kind: "bpf", name: dispatcherName}
		if err := d.control.add(f, prog.FD()); !errors.Is(err, unix.EEXIST) {
			return f, err
		}
	}
	return filter{}, fmt.Errorf("it already has %d filters", maxFilters)
}

// sweep removes the filters of processes that were killed.
func (d *qdisc) sweep(parent uint32) {
	filters, err := d.control.filters(parent)
	if err != nil {
		return
	}
	for _, f := range filters {
		if isAbandoned(f) {
			_ = d.control.remove(f)
		}
	}
}

// isAbandoned reports whether f is of a dispatcher whose table is empty.
func isAbandoned(f filter) bool {
	if f.name != dispatcherName {
		return false
	}
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(f.program))
	if err != nil {
		return false
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return false
	}
	ids, ok := info.MapIDs()
	if !ok || len(ids) != 1 {
		return false
	}
	table, err := ebpf.NewMapFromID(ids[0])
	if err != nil {
		return false
	}
	defer table.Close()
	var id uint32
	return errors.Is(table.Lookup(uint32(0), &id), ebpf.ErrKeyNotExist)
}

// attachedFilter is a filter that Close removes.
type attachedFilter struct {
	queues *Queues
	qdisc  *qdisc
	filter filter
}

// Close removes it.
func (a *attachedFilter) Close() error {
	return errors.Join(ignoreGone(a.qdisc.control.remove(a.filter)), a.queues.release(a.qdisc))
}

// ignoreGone returns err unless it means that the object is already gone, as the
// interfaces of a container do that ends.
func ignoreGone(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}
