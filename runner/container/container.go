// Package container lists the containers that run on this node and follows them as
// they start and end. It queries the container runtimes over their sockets, and the
// kernel, through /proc, for namespaces and cgroups.
package container

import "maps"

// The names of the runtimes, as --runtimes takes them and Runtime.Name has them.
const (
	Docker     = "docker"
	Containerd = "containerd"
	CRIO       = "cri-o"
	Podman     = "podman"
)

// Container is a container whose process exists. Its JSON is what
// "gadget-run list-containers -o json" prints.
type Container struct {
	Runtime Runtime `json:"runtime"`
	K8s     K8s     `json:"k8s"`

	SandboxID   string `json:"sandboxId,omitempty"` // of the pod
	PID         uint32 `json:"pid"`                 // of the first process, in the host's PID namespace
	MountNS     uint64 `json:"mntns,omitempty"`     // inode of the mount namespace
	NetNS       uint64 `json:"netns,omitempty"`     // inode of the network namespace
	HostNetwork bool   `json:"hostNetwork,omitempty"`

	CgroupPath string `json:"cgroupPath,omitempty"` // of cgroup v2, where it is mounted
	CgroupID   uint64 `json:"cgroupID,omitempty"`   // inode of CgroupPath, as bpf_get_current_cgroup_id returns it
	CgroupV1   string `json:"cgroupV1,omitempty"`   // below the root of the systemd hierarchy, or of another one
	CgroupV2   string `json:"cgroupV2,omitempty"`   // below the root of the hierarchy
}

// Runtime is what the container runtime reports about a container.
type Runtime struct {
	Name        string `json:"name"` // Docker, Containerd, CRIO or Podman
	ID          string `json:"containerId"`
	Container   string `json:"containerName,omitempty"`
	ImageName   string `json:"containerImageName,omitempty"`
	ImageID     string `json:"containerImageId,omitempty"`
	ImageDigest string `json:"containerImageDigest,omitempty"` // empty for images that never were in a registry
	StartedAt   int64  `json:"containerStartedAt,omitempty"`   // nanoseconds since 1970
}

// K8s describes the pod, from the labels that a kubelet gives to containers.
// It is zero for containers outside of pods.
type K8s struct {
	Namespace string            `json:"namespace,omitempty"`
	PodName   string            `json:"podName,omitempty"`
	Container string            `json:"containerName,omitempty"`
	PodUID    string            `json:"podUID,omitempty"`
	PodLabels map[string]string `json:"podLabels,omitempty"`
	Owner     *Owner            `json:"owner,omitempty"`
}

// Owner is the object that made the pod, where the runtime reports it.
type Owner struct {
	Kind string `json:"kind,omitempty"`
	Name string `json:"name,omitempty"`
}

// same reports whether a and b are one run of one container.
func same(a, b *Container) bool {
	return a.Runtime.Name == b.Runtime.Name && a.Runtime.ID == b.Runtime.ID && a.PID == b.PID && a.MountNS == b.MountNS
}

// clone returns a copy that shares nothing with c.
func (c *Container) clone() Container {
	out := *c
	out.K8s.PodLabels = maps.Clone(c.K8s.PodLabels)
	if c.K8s.Owner != nil {
		owner := *c.K8s.Owner
		out.K8s.Owner = &owner
	}
	return out
}
