package runcmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// roots returns where user programs are probed: containers have files of their
// own.
func (s *session) roots() engine.Roots {
	switch {
	case s.containers.selecting:
		return engine.RootsOfContainers
	case s.containers.present:
		return engine.RootsOfAll
	}
	return engine.RootOfHost
}

// enterContainers probes the user programs of the containers that run, and of
// those that start later.
func (s *session) enterContainers(loaded *engine.Loaded) {
	if !engine.ProbesUserPrograms(s.plan) {
		return
	}
	s.containers.tracker.Attend(func(c *container.Container, runs bool) {
		root := fmt.Sprintf("/proc/%d/root", c.PID)
		if !runs {
			if err := loaded.LeaveRoot(root); err != nil {
				s.detailf("leaving container %q: %v", c.Runtime.Container, err)
			}
			return
		}
		switch n, err := loaded.EnterRoot(root); {
		case err != nil:
			s.notef("probing the programs of container %q: %v", c.Runtime.Container, err)
		case n == 0:
			say := s.detailf
			if s.containers.selecting {
				say = s.notef
			}
			say("container %q has nothing of what the gadget probes", c.Runtime.Container)
		}
	})
}
