package runcmd

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// The data source of the containers that start and end, which gadget.yaml requests
// with the annotation.
const (
	containersSource     = "containers"
	containersAnnotation = "enable-containers-datasource"
)

// The values of its field event_type.
const (
	containerCreated = "CREATED"
	containerDeleted = "DELETED"
)

// machine is the process that belongs to no container.
const machine = 1

// containerEvent are the members of its events.
var containerEvent = []struct {
	name string
	typ  btf.Type
	size uint32
	put  func(b []byte, typ string, c *container.Container)
}{
	{"cgroup_id", u64, 8, func(b []byte, _ string, c *container.Container) {
		binary.NativeEndian.PutUint64(b, c.CgroupID)
	}},
	{
		"mntns_id", &btf.Typedef{Name: gadgetapi.TypeMntnsID, Type: u64}, 8,
		func(b []byte, _ string, c *container.Container) {
			binary.NativeEndian.PutUint64(b, c.MountNS)
		},
	},
	{"event_type", chars(16), 16, func(b []byte, typ string, _ *container.Container) { copy(b[:15], typ) }},
	{"container_id", chars(128), 128, func(b []byte, _ string, c *container.Container) { copy(b[:127], c.Runtime.ID) }},
	{"name", chars(256), 256, func(b []byte, _ string, c *container.Container) { copy(b[:255], nameOf(c)) }},
}

var u64 = &btf.Int{Name: "unsigned long", Size: 8}

func chars(n uint32) btf.Type {
	return &btf.Array{
		Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Index: &btf.Int{Name: "unsigned int", Size: 4}, Nelems: n,
	}
}

// nameOf returns the name of a container: that in its pod, where it is in one.
func nameOf(c *container.Container) string {
	if c.K8s.Container != "" {
		return c.K8s.Container
	}
	return c.Runtime.Container
}

// withContainers adds the data source of the containers if gadget.yaml requests it.
// Nothing shows it unless the user does.
func (s *session) withContainers(feeds []engine.Feed) []engine.Feed {
	if !s.hasContainerSource() {
		return feeds
	}
	if s.metadata.DataSources[containersSource].Annotations[annotationMode] == "" {
		s.setAnnotation(containersSource, "", [2]string{annotationMode, string(output.None)})
	}
	event := &btf.Struct{Name: "container"}
	for _, m := range containerEvent {
		event.Members = append(event.Members, btf.Member{Name: m.name, Type: m.typ, Offset: btf.Bits(8 * event.Size)})
		event.Size += m.size
	}
	return append(feeds, engine.Feed{Name: containersSource, Event: event, Follow: s.followContainers})
}

// followContainers reports the containers that the user selected, and of the machine
// itself unless the user chose containers.
func (s *session) followContainers(emit func(sample []byte)) (stop func()) {
	var mu sync.Mutex
	stopped := false
	add := func(typ string, c *container.Container) {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		var sample []byte
		for _, m := range containerEvent {
			at := len(sample)
			sample = append(sample, make([]byte, m.size)...)
			m.put(sample[at:], typ, c)
		}
		emit(sample)
	}
	if !s.containers.selecting {
		add(containerCreated, &container.Container{PID: machine, MountNS: mountNSOf("/proc/1/ns/mnt")})
	}
	s.containers.tracker.Follow(func(c *container.Container, runs bool) {
		if runs {
			add(containerCreated, c)
			return
		}
		add(containerDeleted, c)
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}

// mountNSOf returns the number of a mount namespace, 0 when it is unknown.
func mountNSOf(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// hasContainerSource reports whether the gadget has the data source of the containers.
func (s *session) hasContainerSource() bool {
	return s.metadata.Annotations[containersAnnotation] == "true"
}
