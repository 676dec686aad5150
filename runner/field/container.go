package field

import (
	"maps"
	"strconv"
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

// Containers tells which container an event comes from. Data sources get the
// fields k8s and runtime when they have a mount or network namespace.
type Containers struct {
	// Finder returns what finds the containers for the events of one data
	// source, which it is asked for from one goroutine: the container of the
	// namespaces, nil when there is none. 0 stands for a namespace that the
	// event does not tell. Without Finder no container is known.
	Finder func() func(mountNS, netNS uint64) *Container
	// Node is the name of this node, may be empty.
	Node string
	// Show is whether columns show the container's name by default.
	Show bool
}

// nowhere is the container of events that come from none.
var nowhere Container

// known returns how to find the container of a sample, nowhere for an event that
// comes from none.
func (c *Containers) known(namespaces func(sample []byte) (mountNS, netNS uint64)) func(sample []byte) *Container {
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
// of src, nil when its events tell neither. As everywhere, the first field counts.
func namespaces(src *Source) func(sample []byte) (mountNS, netNS uint64) {
	mount, net := src.namespace(typeMntnsID), src.namespace(typeNetnsID)
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

// containerField is one of the fields that tell about the container.
type containerField struct {
	name     string
	kind     Kind
	template string
	shown    bool // unless all are hidden
	extra    map[string]string
	text     func(dst []byte, c *Container) []byte
	number   func(c *Container) uint64
}

func textField(name, template string, get func(c *Container) string) containerField {
	return containerField{
		name: name, kind: String, template: template,
		text: func(dst []byte, c *Container) []byte { return append(dst, get(c)...) },
	}
}

// k8sFields and runtimeFields have the names, widths and order that users of
// other runners know.
func k8sFields(node string) []containerField {
	return []containerField{
		textField("node", "node", func(*Container) string { return node }),
		textField("namespace", "namespace", func(c *Container) string { return c.Namespace }),
		textField("podName", "pod", func(c *Container) string { return c.Pod }),
		textField("containerName", "container", func(c *Container) string { return c.PodContainer }),
		{
			name: "hostnetwork", kind: Bool,
			text: func(dst []byte, c *Container) []byte { return strconv.AppendBool(dst, c.HostNetwork) },
			number: func(c *Container) uint64 {
				if c.HostNetwork {
					return 1
				}
				return 0
			},
		},
		textField("podLabels", "", func(c *Container) string { return c.PodLabels }),
	}
}

func ownerFields() []containerField {
	return []containerField{
		textField("kind", "", func(c *Container) string { return c.OwnerKind }),
		textField("name", "", func(c *Container) string { return c.OwnerName }),
	}
}

func runtimeFields(show bool) []containerField {
	name := textField("containerName", "container", func(c *Container) string { return c.Name })
	name.shown = show
	kind := textField("runtimeName", "", func(c *Container) string { return c.Runtime })
	kind.extra = ann("columns.width", "19", "columns.fixed", "true")
	id := textField("containerId", "", func(c *Container) string { return c.ID })
	id.extra = ann("columns.width", "13", "columns.maxwidth", "64")
	return []containerField{
		name, kind, id,
		{
			name: "containerPid", kind: Uint, template: "containerPid",
			text:   func(dst []byte, c *Container) []byte { return strconv.AppendUint(dst, uint64(c.PID), 10) },
			number: func(c *Container) uint64 { return uint64(c.PID) },
		},
		textField("containerImageName", "containerImageName", func(c *Container) string { return c.ImageName }),
		textField("containerImageDigest", "containerImageDigest", func(c *Container) string { return c.ImageDigest }),
		{
			name: "containerStartedAt", kind: Int, template: "containerStartedAt",
			text:   func(dst []byte, c *Container) []byte { return strconv.AppendInt(dst, c.StartedAt, 10) },
			number: func(c *Container) uint64 { return uint64(c.StartedAt) },
		},
	}
}

// containerDescriptions say in the help of a gadget what the fields are.
var containerDescriptions = map[string]string{
	"k8s.node":          "Name of the node",
	"k8s.namespace":     "Namespace of the pod",
	"k8s.podName":       "Name of the pod",
	"k8s.containerName": "Name of the container in its pod",
	"k8s.hostnetwork":   "Whether the container uses the host's network",
	"k8s.podLabels":     "Labels of the pod",
	"k8s.owner.kind":    "Kind of what made the pod",
	"k8s.owner.name":    "Name of what made the pod",

	"runtime.containerName":        "Name of the container at its runtime",
	"runtime.runtimeName":          "Name of the container runtime",
	"runtime.containerId":          "Id of the container",
	"runtime.containerPid":         "Process id of the container's first process",
	"runtime.containerImageName":   "Name of the container's image",
	"runtime.containerImageDigest": "Digest of the container's image",
	"runtime.containerStartedAt":   "Start of the container, nanoseconds since 1970",
}

// containers puts the fields that tell about the container before those of
// the event. Fields of the event that are called like them win.
func (b *builder) containers(src *Source) {
	src.namespaces = namespaces(src)
	c := b.opts.Env.Containers
	if c == nil || src.namespaces == nil {
		return
	}
	known := c.known(src.namespaces)
	k8s := b.group(nil, "k8s")
	b.fill(k8s, known, k8sFields(c.Node))
	owner := b.group(k8s, "owner")
	b.fill(owner, known, ownerFields())
	runtime := b.group(nil, "runtime")
	b.fill(runtime, known, runtimeFields(c.Show))
	var added []*Field
	for _, g := range []*Field{k8s, runtime} {
		if src.Lookup(g.FullName) == nil {
			added = append(added, g)
		}
	}
	src.Fields = append(added, src.Fields...)
}

// group returns a new hidden struct, below parent unless that is nil.
func (b *builder) group(parent *Field, name string) *Field {
	f := &Field{Name: name, FullName: name, Kind: Struct, Parent: parent, Annotations: map[string]string{AnnotationHidden: "true"}}
	if parent != nil {
		f.FullName = parent.FullName + "." + name
		parent.Children = append(parent.Children, f)
	}
	b.annotateByName(f)
	return f
}

func (b *builder) fill(parent *Field, known func(sample []byte) *Container, fields []containerField) {
	for _, cf := range fields {
		f := &Field{
			Name: cf.name, FullName: parent.FullName + "." + cf.name, Kind: cf.kind, Parent: parent, Size: 8,
			Annotations: maps.Clone(templates[cf.template]),
			Append:      func(dst, s []byte) []byte { return cf.text(dst, known(s)) },
			Constant:    b.opts.Env.Containers.Finder == nil,
		}
		if cf.kind == String {
			f.Size = 0
		}
		if cf.number != nil {
			f.Number = func(s []byte) uint64 { return cf.number(known(s)) }
		}
		if f.Annotations == nil {
			f.Annotations = map[string]string{}
		}
		maps.Copy(f.Annotations, cf.extra)
		f.Annotations[AnnotationHidden] = strconv.FormatBool(!cf.shown)
		f.Annotations[AnnotationDescription] = containerDescriptions[f.FullName]
		b.annotateByName(f)
		parent.Children = append(parent.Children, f)
	}
}

// Namespaces returns the mount and the network namespace of the event sample, 0
// for one that it does not tell.
func (s *Source) Namespaces(sample []byte) (mountNS, netNS uint64) {
	if s.namespaces == nil {
		return 0, 0
	}
	return s.namespaces(sample)
}

// TellsContainer reports whether the events of s tell a namespace, by which their
// container is known.
func (s *Source) TellsContainer() bool { return s.namespaces != nil }
