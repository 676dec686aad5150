package gadgetapi

// The map of the mount namespaces whose events are wanted, and the constant that
// says to look at it.
const (
	MountNSMap    = "gadget_mntns_filter_map"
	MountNSSwitch = "gadget_filter_by_mntns"
)

// FiltersMountNS reports whether the gadget can leave out the events of other
// mount namespaces by itself, in the kernel.
func (s *Spec) FiltersMountNS() bool {
	m, v := s.Collection.Maps[MountNSMap], s.Collection.Variables[MountNSSwitch]
	return m != nil && v != nil && m.KeySize == 8 && v.Size() == 1
}
