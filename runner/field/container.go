package field

import (
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// Container is what the fields k8s and runtime show of the container that an
// event comes from.
type Container struct {
	Runtime     string // name of the runtime
	Name, ID    string // at the runtime
	PID         uint32
	ImageName   string
	ImageDigest string
	StartedAt   int64 // nanoseconds since 1970

	Namespace, Pod, PodContainer string
	PodLabels                    string // key=value,key2=value2
	HostNetwork                  bool
	OwnerKind, OwnerName         string
}

// Containers finds which container an event comes from. Data sources get the
// fields k8s and runtime when they have a mount or network namespace.
type Containers struct {
	// Finder returns what finds the containers for the events of one data
	// source, which is called from one goroutine: the container of the
	// namespaces, nil if none exists. 0 means a namespace that the
	// event does not carry. Without Finder no container is known.
	Finder func() func(mountNS, netNS uint64) *Container
	// Node is the name of this node, may be empty.
	Node string
	// Show is whether columns show the container's name by default.
	Show bool
}

// nowhere is the container of events that come from none.
var nowhere Container

// resolver returns how to find the container of a sample, nowhere for an event that
// comes from none.
func (c *Containers) resolver(namespaces func(sample []byte) (mountNS, netNS uint64)) func(sample []byte) *Container {
	if c.Finder == nil {
		return func([]byte) *Container { return &nowhere }
	}
	find := c.Finder()
	return func(s []byte) *Container {
		if found := find(namespaces(s)); found != nil {
			return found
		}
		return &nowhere
	}
}

// namespaces returns how to read the mount and the network namespace of a sample
// of src, nil when its events carry neither. As everywhere, the first field counts.
func namespaces(src *Source) func(sample []byte) (mountNS, netNS uint64) {
	mount, net := src.namespace(gadgetapi.TypeMntnsID), src.namespace(gadgetapi.TypeNetnsID)
	switch {
	case mount == nil && net == nil:
		return nil
	case net == nil:
		return func(s []byte) (uint64, uint64) { return mount(s), 0 }
	case mount == nil:
		return func(s []byte) (uint64, uint64) { return 0, net(s) }
	}
	return func(s []byte) (uint64, uint64) { return mount(s), net(s) }
}

func (s *Source) namespace(typ string) NumberFunc {
	for _, f := range s.All() {
		if f.hasType(typ) && f.Number != nil {
			return f.Number
		}
	}
	return nil
}

// containerText and containerNumber are the values of the fields that describe
// the container, by full name.
var (
	containerText = map[string]func(c *Container) string{
		"k8s.namespace":     func(c *Container) string { return c.Namespace },
		"k8s.podName":       func(c *Container) string { return c.Pod },
		"k8s.containerName": func(c *Container) string { return c.PodContainer },
		"k8s.podLabels":     func(c *Container) string { return c.PodLabels },
		"k8s.owner.kind":    func(c *Container) string { return c.OwnerKind },
		"k8s.owner.name":    func(c *Container) string { return c.OwnerName },

		"runtime.containerName":        func(c *Container) string { return c.Name },
		"runtime.runtimeName":          func(c *Container) string { return c.Runtime },
		"runtime.containerId":          func(c *Container) string { return c.ID },
		"runtime.containerImageName":   func(c *Container) string { return c.ImageName },
		"runtime.containerImageDigest": func(c *Container) string { return c.ImageDigest },
	}
	containerNumber = map[string]func(c *Container) uint64{
		"k8s.hostnetwork": func(c *Container) uint64 {
			if c.HostNetwork {
				return 1
			}
			return 0
		},
		"runtime.containerPid":       func(c *Container) uint64 { return uint64(c.PID) },
		"runtime.containerStartedAt": func(c *Container) uint64 { return uint64(c.StartedAt) },
	}
)

// nodeField is the field that has the same value in every event.
const nodeField = "k8s.node"

// containers gives the fields that describe the container their values.
func (b *builder) containers(src *Source) {
	src.namespaces = namespaces(src)
	c := b.env.Containers
	if c == nil || src.namespaces == nil {
		return
	}
	containerOf := c.resolver(src.namespaces)
	for _, f := range src.Provided(gadgetapi.ProviderContainers) {
		f.Constant = c.Finder == nil
		if number := containerNumber[f.FullName]; number != nil {
			f.Number = func(s []byte) uint64 { return number(containerOf(s)) }
			f.Append = numberText(f.Kind, f.Number)
		} else if text := containerText[f.FullName]; text != nil {
			f.Append = func(dst, s []byte) []byte { return append(dst, text(containerOf(s))...) }
		} else if f.FullName == nodeField {
			f.Append = func(dst, _ []byte) []byte { return append(dst, c.Node...) }
		}
	}
}

// Namespaces returns the mount and the network namespace of the event sample, 0
// for one that it does not carry.
func (s *Source) Namespaces(sample []byte) (mountNS, netNS uint64) {
	if s.namespaces == nil {
		return 0, 0
	}
	return s.namespaces(sample)
}

// Adopt adds the fields of other, which decodes the same events, but those of names
// that s has. A name with dots is below the field that it begins with.
func (s *Source) Adopt(other *Source) {
	if other == nil {
		return
	}
	for _, f := range other.Fields {
		if s.Named(f.FullName) != nil {
			continue
		}
		siblings := &s.Fields
		if at := strings.LastIndexByte(f.FullName, '.'); at >= 0 && f.Name == f.FullName {
			if parent := s.Named(f.FullName[:at]); parent != nil {
				f.Name, f.Parent, siblings = f.FullName[at+1:], parent, &parent.Children
			}
		}
		*siblings = append(*siblings, f)
	}
	if s.namespaces == nil {
		s.namespaces = other.namespaces
	}
}

// NamesContainer reports whether the events of s carry a namespace, by which their
// container is known.
func (s *Source) NamesContainer() bool { return s.namespaces != nil }
