package engine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// targetCgroup is the target of iterators over control groups.
const targetCgroup = "cgroup"

// attachIterator attaches an iterator: m is the map that it reads, if any, and cgroup the
// directory below which it reads control groups, the whole hierarchy where it is empty.
func attachIterator(target string, prog *ebpf.Program, m *ebpf.Map, cgroup string) (*link.Iter, error) {
	if target == targetCgroup {
		return attachCgroupIterator(prog, cgroup)
	}
	return link.AttachIter(link.IterOptions{Program: prog, Map: m})
}

// cgroupIterInfo is bpf_iter_link_info for control groups.
type cgroupIterInfo struct {
	order, fd uint32
	id        uint64
}

// iterLinkAttr is bpf_attr of BPF_LINK_CREATE for iterators.
type iterLinkAttr struct {
	prog, target, attach, flags uint32
	info                        unsafe.Pointer // 64 bits, as everywhere where gadget-run runs
	infoLength                  uint32
	_                           uint32
}

// attachCgroupIterator is link.AttachIter with the order of control groups, without which
// the kernel refuses the iterator.
func attachCgroupIterator(prog *ebpf.Program, dir string) (*link.Iter, error) {
	info := cgroupIterInfo{order: unix.BPF_CGROUP_ITER_DESCENDANTS_PRE} // a control group before those in it
	if dir != "" {
		f, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info.fd = uint32(f.Fd())
	}
	attr := iterLinkAttr{
		prog: uint32(prog.FD()), attach: uint32(ebpf.AttachTraceIter),
		info: unsafe.Pointer(&info), infoLength: uint32(unsafe.Sizeof(info)),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(prog)
	if errno != 0 {
		return nil, fmt.Errorf("attaching an iterator over control groups: %w", errno)
	}
	ln, err := link.NewFromFD(int(fd)) // closes it on error
	if err != nil {
		return nil, err
	}
	it, ok := ln.(*link.Iter)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the kernel made a %T of an iterator", ln), ln.Close())
	}
	return it, nil
}
