package engine

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// filterMountNS turns the filter of an object on.
func filterMountNS(spec *ebpf.CollectionSpec) error {
	v := spec.Variables[gadgetapi.MountNSSwitch]
	if v == nil || spec.Maps[gadgetapi.MountNSMap] == nil {
		return fmt.Errorf("the gadget has no map %q, it cannot filter by mount namespace", gadgetapi.MountNSMap)
	}
	if err := v.Set([]byte{1}); err != nil {
		return fmt.Errorf("setting %s: %w", gadgetapi.MountNSSwitch, err)
	}
	return nil
}

// AllowMountNS lets the events of mount namespace ns pass. The gadget must have
// been loaded with LoadOptions.FilterMountNS.
func (l *Loaded) AllowMountNS(ns uint64) error {
	m := l.coll.Maps[gadgetapi.MountNSMap]
	value := make([]byte, m.ValueSize())
	value[0] = 1
	if err := m.Put(ns, value); err != nil {
		return fmt.Errorf("filtering by mount namespace (%d are possible): %w", m.MaxEntries(), err)
	}
	return nil
}

// ForbidMountNS takes AllowMountNS back.
func (l *Loaded) ForbidMountNS(ns uint64) error {
	if err := l.coll.Maps[gadgetapi.MountNSMap].Delete(ns); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("filtering by mount namespace: %w", err)
	}
	return nil
}
