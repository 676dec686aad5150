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

// containerMembers give the members of its events their values.
var containerMembers = map[string]func(b []byte, typ string, c *container.Container){
	"cgroup_id":        func(b []byte, _ string, c *container.Container) { binary.NativeEndian.PutUint64(b, c.CgroupID) },
	"mntns_id":         func(b []byte, _ string, c *container.Container) { binary.NativeEndian.PutUint64(b, c.MountNS) },
	"event_type":       func(b []byte, typ string, _ *container.Container) { copy(b[:len(b)-1], typ) },
	"container_id":     func(b []byte, _ string, c *container.Container) { copy(b[:len(b)-1], c.Runtime.ID) },
	"container_config": func([]byte, string, *container.Container) {},
	"name":             func(b []byte, _ string, c *container.Container) { copy(b[:len(b)-1], nameOf(c)) },
}

// nameOf returns the name of a container: that in its pod, where it is in one.
func nameOf(c *container.Container) string {
	if c.K8s.Container != "" {
		return c.K8s.Container
	}
	return c.Runtime.Container
}

// containerFeed returns the data source of the containers. Nothing shows it unless the
// user does.
func (s *session) containerFeed(event *btf.Struct) engine.Feed {
	if s.metadata.DataSources[containersSource].Annotations[annotationMode] == "" {
		s.setAnnotation(containersSource, "", [2]string{annotationMode, string(output.None)})
	}
	return engine.Feed{Name: containersSource, Event: event, Follow: func(emit func(sample []byte)) (stop func()) {
		return s.followContainers(event, emit)
	}}
}

// followContainers reports the containers that the user selected, and of the machine
// itself unless the user chose containers.
func (s *session) followContainers(event *btf.Struct, emit func(sample []byte)) (stop func()) {
	var mu sync.Mutex
	stopped := false
	add := func(typ string, c *container.Container) {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		sample := make([]byte, event.Size)
		for i, m := range event.Members {
			containerMembers[m.Name](gadgetapi.MemberBytes(event, i, sample), typ, c)
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
