package runcmd

import (
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// roots returns where programs are attached that belong to containers, which have
// files and network namespaces of their own.
func (s *session) roots() engine.Roots {
	switch {
	case s.containers.selecting:
		return engine.RootsOfContainers
	case s.containers.present:
		return engine.RootsOfAll
	}
	return engine.RootOfHost
}

// enterContainers attaches the programs that belong to containers in those that
// run, and in those that start later.
func (s *session) enterContainers(loaded *engine.Loaded) {
	if !engine.EntersContainers(s.plan, s.places()) {
		return
	}
	s.containers.tracker.Follow(func(c *container.Container, runs bool) {
		if !runs {
			if err := loaded.LeaveContainer(c.PID); err != nil {
				s.detailf("leaving container %q: %v", c.Runtime.Container, err)
			}
			return
		}
		switch n, err := loaded.EnterContainer(c.PID); {
		case err != nil:
			s.notef("attaching programs in container %q: %v", c.Runtime.Container, err)
		case n == 0:
			say := s.detailf
			if s.containers.selecting {
				say = s.notef
			}
			say("container %q has nothing that the gadget traces", c.Runtime.Container)
		}
	})
}

// places are where programs are attached whose section does not specify a place.
func (s *session) places() engine.Places { return s.cmd.places() }

func (c *Cmd) places() engine.Places {
	return engine.Places{Interfaces: c.Iface, Cgroup: c.Cgroup}
}
