package runcmd

import (
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/rights"
)

// rights are what the gadget needs once its programs are attached; stacks means that
// its events have some.
func (s *session) rights(stacks bool) rights.Set {
	var keep rights.Set
	// Kernels before 5.19 require it whenever a map is read.
	keep.Keep(unix.CAP_BPF)
	keep.Join(s.rightsOfPrograms())
	if s.containers.followed {
		// The sockets of runtimes may be of others, and so are the processes.
		keep.Keep(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE)
	}
	if stacks {
		keep.Keep(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYSLOG)
	}
	for _, f := range s.feeds {
		keep.Keep(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)
		if f.Name == "bpfstats" {
			keep.Keep(unix.CAP_SYS_ADMIN)
			keep.KeepAttaching()
		}
	}
	if s.cmd.OutputMaxSize > 0 {
		keep.KeepRenaming()
	}
	if s.wasm != nil {
		// It may open buffers of events.
		keep.Keep(unix.CAP_PERFMON)
		keep.KeepAttaching()
	}
	return keep
}

// rightsOfPrograms are what programs need to be attached in containers that come
// later, and to be detached.
func (s *session) rightsOfPrograms() rights.Set {
	var keep rights.Set
	enters := s.containers.followed && engine.EntersContainers(s.plan, s.places())
	if enters {
		keep.Keep(unix.CAP_SYS_ADMIN, unix.CAP_PERFMON)
		keep.KeepAttaching()
	}
	for _, pr := range s.plan.Programs {
		if pr.Disabled || pr.Kind == nil {
			continue
		}
		switch pr.Kind.Name {
		case gadgetapi.KindSocket:
			if enters {
				keep.Keep(unix.CAP_NET_RAW)
			}
		case gadgetapi.KindTC, gadgetapi.KindSKSKB, gadgetapi.KindSKMsg:
			keep.Keep(unix.CAP_NET_ADMIN)
		}
	}
	return keep
}

// readsStacks reports whether events have stacks, whose addresses get names.
func (s *session) readsStacks() bool {
	sources, err := s.sources()
	if err != nil {
		return true
	}
	for _, src := range sources {
		for _, f := range src.All() {
			if f.Provider == gadgetapi.ProviderKernelStack || f.Provider == gadgetapi.ProviderUserStack {
				return true
			}
		}
	}
	return false
}

// confine drops the privileges that the run no longer needs, once all its gadgets
// are attached.
func (s *session) confine() {
	if s.apply == nil {
		return
	}
	keep, last := s.rest.member.keep(s.rights(s.readsStacks()))
	if !last {
		return
	}
	if err := s.apply(keep); err != nil {
		s.detailf("keeping privileges that are no longer needed: %v", err)
	}
}
