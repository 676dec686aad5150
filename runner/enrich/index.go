package enrich

import "github.com/rules-gadget/rules_gadget/runner/field"

// index is what is known by namespace. It is replaced, never changed.
type index struct{ mount, net map[uint64]place }

// place is what a namespace belongs to.
type place struct {
	info     *field.Container // nil when only selected is known
	selected bool
}

// Find returns the container of the namespaces of an event, 0 where it has
// none. The mount namespace is more specific than that of the network, which the
// containers of a pod share.
func (t *Tracker) Find(mountNS, netNS uint64) *field.Container {
	return t.index.Load().find(mountNS, netNS)
}

func (ix *index) find(mountNS, netNS uint64) *field.Container {
	if p, ok := ix.mount[mountNS]; ok {
		return p.info
	}
	return ix.net[netNS].info
}

// Finder returns Find for one goroutine: another lookup for the same event is
// cheap.
func (t *Tracker) Finder() func(mountNS, netNS uint64) *field.Container {
	var last struct {
		ix         *index
		mount, net uint64
		found      *field.Container
	}
	return func(mountNS, netNS uint64) *field.Container {
		ix := t.index.Load()
		if ix != last.ix || mountNS != last.mount || netNS != last.net {
			last.ix, last.mount, last.net = ix, mountNS, netNS
			last.found = ix.find(mountNS, netNS)
		}
		return last.found
	}
}

// Selected reports whether an event of these namespaces is selected.
func (t *Tracker) Selected(mountNS, netNS uint64) bool {
	ix := t.index.Load()
	if mountNS != 0 {
		return ix.mount[mountNS].selected
	}
	return ix.net[netNS].selected
}

// reindex makes the index again. Containers that have ended only count where no
// other is in the same namespace.
func (t *Tracker) reindex() {
	ix := &index{mount: make(map[uint64]place, len(t.entries)), net: make(map[uint64]place, len(t.entries))}
	for _, running := range []bool{true, false} {
		inNet := map[uint64][]*entry{}
		for _, e := range t.entries {
			if e.gone.IsZero() != running {
				continue
			}
			if p, taken := ix.mount[e.c.MountNS]; e.c.MountNS != 0 && (!taken || running && e.selected && !p.selected) {
				ix.mount[e.c.MountNS] = place{e.info, e.selected}
			}
			inNet[e.c.NetNS] = append(inNet[e.c.NetNS], e)
		}
		for ns, es := range inNet {
			if _, taken := ix.net[ns]; !taken && ns != 0 {
				ix.net[ns] = shared(es)
			}
		}
	}
	t.index.Store(ix)
}

// shared returns what is known of an event by the network namespace of es: all of
// one container, the pod of several, of the host's network that it is that.
func shared(es []*entry) place {
	p := place{info: es[0].info}
	for _, e := range es {
		p.selected = p.selected || e.selected
	}
	first := es[0].info
	switch {
	case first.HostNetwork:
		p.info = &field.Container{HostNetwork: true}
	case len(es) == 1:
	case first.Pod != "" && first.Namespace != "":
		p.info = &field.Container{
			Runtime: first.Runtime, Namespace: first.Namespace, Pod: first.Pod, PodLabels: first.PodLabels,
			OwnerKind: first.OwnerKind, OwnerName: first.OwnerName,
		}
	default:
		p.info = nil
	}
	return p
}
