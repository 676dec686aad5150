// Package rights takes a process the rights that it no longer needs: capabilities,
// new privileges, and the system calls that only a start takes.
package rights

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Set is what a process keeps. The zero value is next to nothing.
type Set struct {
	capabilities uint64
	attaching    bool
	renaming     bool
}

// Keep keeps capabilities, by their numbers, as far as the process has them.
func (s *Set) Keep(capabilities ...uint) {
	for _, c := range capabilities {
		s.capabilities |= 1 << c
	}
}

// KeepAttaching keeps the system calls that load and attach programs and enter
// namespaces.
func (s *Set) KeepAttaching() { s.attaching = true }

// KeepRenaming keeps the system calls that give files other names.
func (s *Set) KeepRenaming() { s.renaming = true }

// Join keeps what other keeps as well.
func (s *Set) Join(other Set) {
	s.capabilities |= other.capabilities
	s.attaching = s.attaching || other.attaching
	s.renaming = s.renaming || other.renaming
}

// Apply takes every thread of the process what s does not keep, for good. Each half
// is done even where the other one cannot be.
func (s Set) Apply() error {
	return errors.Join(s.dropCapabilities(), s.filterCalls())
}

// parts are capabilities that CAP_SYS_ADMIN contains, and does the work of where a
// process has it alone, as all do on kernels that lack these: 5.8 brought the first
// two.
var parts = []uint{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYSLOG}

// wanted returns the capabilities to keep of those that a process has.
func (s Set) wanted(has uint64) uint64 {
	for _, c := range parts {
		if bit := uint64(1) << c; s.capabilities&bit != 0 && has&bit == 0 {
			return s.capabilities | 1<<unix.CAP_SYS_ADMIN
		}
	}
	return s.capabilities
}

// dropCapabilities drops capabilities in every thread.
func (s Set) dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("reading the capabilities of the process: %w", err)
	}
	wanted := s.wanted(uint64(data[1].Permitted)<<32 | uint64(data[0].Permitted))
	for i := range data {
		keep := uint32(wanted >> (32 * i))
		data[i].Permitted &= keep
		data[i].Effective &= keep
		data[i].Inheritable = 0
	}
	// The kernel has capabilities for each thread; a program with C in it cannot
	// reach them all.
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0) //nolint:gosec // as the call takes them
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&data)
	if errno != 0 {
		return fmt.Errorf("giving up capabilities: %w", errno)
	}
	return nil
}

// filterCalls lets only the system calls through that a running gadget takes.
// Others fail, as where the kernel does not have them.
func (s Set) filterCalls() error {
	if !seccomp.Supported() {
		return nil
	}
	allowed := append(available(calls), available(callsOf[runtime.GOARCH])...)
	if s.renaming {
		allowed = append(allowed, available(renamingCalls)...)
	}
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow, Names: allowed}
	if s.attaching {
		group.Names = append(group.Names, available(attachingCalls)...)
	} else {
		group.NamesWithCondtions = commands()
	}
	filter := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{group},
	}}
	// The bit and the filter are of one thread, until the filter is given to all.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := seccomp.LoadFilter(filter); err != nil {
		return fmt.Errorf("filtering system calls: %w", err)
	}
	return nil
}

// commands are those of bpf(2) that read and write maps and end attachments.
func commands() []seccomp.NameWithConditions {
	var out []seccomp.NameWithConditions
	for _, command := range mapCommands {
		out = append(out, seccomp.NameWithConditions{
			Name:       "bpf",
			Conditions: []seccomp.Condition{{Argument: 0, Operation: seccomp.Equal, Value: command}},
		})
	}
	return out
}
