package engine

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/network"
)

// Places are where programs are attached whose section does not specify a place.
type Places struct {
	// Interfaces are the names of network interfaces of this machine. Without any,
	// socket filters take all, here and in containers, and tc programs all of
	// containers; XDP programs need one.
	Interfaces []string
	// Cgroup is a directory of cgroup v2, "" for its root.
	Cgroup string
}

// check returns an error for a program that has no place.
func (p Places) check(plan *gadgetapi.Spec, roots Roots) error {
	for _, pr := range plan.Programs {
		if pr.Disabled || pr.Kind == nil || len(p.Interfaces) > 0 {
			continue
		}
		switch {
		case pr.Kind.Name == gadgetapi.KindXDP:
			return fmt.Errorf("program %q is attached to network interfaces, choose them with --iface NAME", pr.Name)
		case pr.Kind.Name == gadgetapi.KindTC && roots == RootOfHost:
			return fmt.Errorf("program %q is attached to network interfaces, choose them with --iface NAME, "+
				"or containers where a container runtime is", pr.Name)
		}
	}
	return nil
}

// attachTC attaches to the ends of the queues of packets: of the chosen interfaces,
// else of those of containers.
func attachTC(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	_, rest, _ := strings.Cut(pr.Section, "/")
	direction, _, _ := strings.Cut(rest, "/")
	return l.inNamespaces(pr, prog, l.queues.Hook(direction == "egress"), len(l.where.Interfaces) > 0)
}

// attachSocket attaches to packet sockets, of each chosen interface or of all here
// and in containers.
func attachSocket(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	here := len(l.where.Interfaces) > 0 || l.roots != RootsOfContainers
	return l.inNamespaces(pr, prog, network.Sockets(l.where.Interfaces), here)
}

// inNamespaces attaches a program here, when it is requested, and in the network
// namespaces of containers that are entered.
func (l *Loaded) inNamespaces(
	pr gadgetapi.Program, prog *ebpf.Program, hook network.Hook, here bool,
) (io.Closer, error) {
	attach := l.plan.Collection.Programs[pr.Name].AttachType
	if err := l.networks.Add(network.Program{Program: prog, Attach: attach, Hook: hook}, here); err != nil {
		return nil, err
	}
	l.kept++
	return nil, nil
}

// attachXDP attaches to the driver, or where that cannot, in generic mode.
func attachXDP(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	return network.OnInterfaces(l.where.Interfaces, func(index int) (io.Closer, error) {
		opts := link.XDPOptions{Interface: index, Program: prog}
		ln, err := link.AttachXDP(opts)
		if err == nil || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EPERM) {
			return ln, err
		}
		opts.Flags = link.XDPGenericMode
		generic, genericErr := link.AttachXDP(opts)
		if genericErr != nil {
			return nil, err
		}
		l.detail("program %q is attached in generic mode, since the driver does not take it: %v", pr.Name, err)
		return generic, nil
	})
}

// cgroupRoots are where the root of cgroup v2 may be: alone, or together with v1.
var cgroupRoots = []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

func attachCgroup(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	dir, err := l.where.cgroup()
	if err != nil {
		return nil, err
	}
	return link.AttachCgroup(link.CgroupOptions{
		Path: dir, Attach: l.plan.Collection.Programs[pr.Name].AttachType, Program: prog,
	})
}

// Check returns an error for a place that this machine does not have.
func (p Places) Check() error {
	for _, name := range p.Interfaces {
		if err := network.CheckInterface(name); err != nil {
			return fmt.Errorf("--iface: %w", err)
		}
	}
	if p.Cgroup == "" {
		return nil
	}
	_, err := p.cgroup()
	return err
}

// cgroup returns the configured or default directory, which must be of cgroup v2.
func (p Places) cgroup() (string, error) {
	wanted := cgroupRoots
	if p.Cgroup != "" {
		wanted = []string{p.Cgroup}
	}
	for _, dir := range wanted {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s is not a directory of cgroup v2, name one with --cgroup DIR", wanted[0])
}

// descriptor is an attachment that ends when a file descriptor is closed.
type descriptor int

// Close closes it.
func (d descriptor) Close() error { return unix.Close(int(d)) }
