package engine

import (
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// EntersContainers reports whether the gadget has programs that are attached for
// each container: to the files of its programs and libraries, or in its network
// namespace.
func EntersContainers(plan *gadgetapi.Spec, places Places) bool {
	for _, pr := range plan.Programs {
		switch {
		case pr.Disabled || pr.Kind == nil:
		case userKind(pr) != "", seesPackets(pr) && len(places.Interfaces) == 0:
			return true
		}
	}
	return false
}

// WithinContainers reports whether the gadget has programs only in the network
// namespaces of the chosen containers, where some are.
func WithinContainers(plan *gadgetapi.Spec, places Places) bool {
	some := false
	for _, pr := range plan.Programs {
		switch {
		case pr.Disabled:
		case pr.Kind == nil || !seesPackets(pr):
			return false
		default:
			some = true
		}
	}
	return some && len(places.Interfaces) == 0
}

// seesPackets reports whether pr is attached in network namespaces.
func seesPackets(pr gadgetapi.Program) bool {
	return pr.Kind.Name == gadgetapi.KindSocket || pr.Kind.Name == gadgetapi.KindTC
}

// EnterContainer attaches the programs that belong to a container, named by a
// process in it. It returns how many found their place there.
func (l *Loaded) EnterContainer(pid uint32) (int, error) {
	probed, err := l.probes.Enter(rootOf(pid))
	if len(l.where.Interfaces) > 0 {
		return probed, err
	}
	networks, errNet := l.networks.Enter(pid)
	return probed + networks, errors.Join(err, errNet)
}

// LeaveContainer takes EnterContainer back.
func (l *Loaded) LeaveContainer(pid uint32) error {
	return errors.Join(l.probes.Leave(rootOf(pid)), l.networks.Leave(pid))
}

func rootOf(pid uint32) string { return fmt.Sprintf("/proc/%d/root", pid) }
