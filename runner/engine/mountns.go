package engine

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// The map of the mount namespaces whose events are wanted, and the constant that
// says to look at it: names of the public gadget API.
const (
	mountNSMap    = "gadget_mntns_filter_map"
	mountNSSwitch = "gadget_filter_by_mntns"
)

// FiltersMountNS reports whether the gadget can leave out the events of other
// mount namespaces by itself, in the kernel.
func (p *Plan) FiltersMountNS() bool {
	m, v := p.Spec.Maps[mountNSMap], p.Spec.Variables[mountNSSwitch]
	return m != nil && v != nil && m.KeySize == 8 && v.Size() == 1
}

// filterMountNS turns the filter of an object on.
func filterMountNS(spec *ebpf.CollectionSpec) error {
	v := spec.Variables[mountNSSwitch]
	if v == nil || spec.Maps[mountNSMap] == nil {
		return fmt.Errorf("the gadget has no map %q, it cannot filter by mount namespace", mountNSMap)
	}
	if err := v.Set([]byte{1}); err != nil {
		return fmt.Errorf("setting %s: %w", mountNSSwitch, err)
	}
	return nil
}

// AllowMountNS lets the events of mount namespace ns pass. The gadget must have
// been loaded with LoadOptions.FilterMountNS.
func (l *Loaded) AllowMountNS(ns uint64) error {
	m := l.coll.Maps[mountNSMap]
	value := make([]byte, m.ValueSize())
	value[0] = 1
	if err := m.Put(ns, value); err != nil {
		return fmt.Errorf("filtering by mount namespace (%d are possible): %w", m.MaxEntries(), err)
	}
	return nil
}

// ForbidMountNS takes AllowMountNS back.
func (l *Loaded) ForbidMountNS(ns uint64) error {
	if err := l.coll.Maps[mountNSMap].Delete(ns); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("filtering by mount namespace: %w", err)
	}
	return nil
}
