package container

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/container/proc"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// The labels that a kubelet gives to containers and pods.
const (
	labelContainer = "io.kubernetes.container.name"
	labelPod       = "io.kubernetes.pod.name"
	labelNamespace = "io.kubernetes.pod.namespace"
	labelUID       = "io.kubernetes.pod.uid"
	labelPrefix    = "io.kubernetes."
	labelSandbox   = "io.cri-containerd." // what containerd adds to those of the pod
)

// initPID is the process whose network namespace is the host's.
const initPID = 1

// enrich makes a Container of what a runtime and the kernel report. It reports
// false for a container whose process has ended meanwhile.
func enrich(name string, info source.Info, files proc.FS) (Container, bool) {
	c := describe(name, info)
	mnt, network, err := files.Namespaces(info.PID)
	if gone(err) {
		return Container{}, false
	}
	c.MountNS, c.NetNS = mnt, network
	if _, host, err := files.Namespaces(initPID); err == nil && network != 0 {
		c.HostNetwork = network == host
	}
	if cg, err := files.Cgroup(info.PID); err == nil {
		c.CgroupV1, c.CgroupV2, c.CgroupPath, c.CgroupID = cg.V1, cg.V2, cg.Path, cg.ID
	}
	if c.Runtime.StartedAt == 0 {
		if at, err := files.Started(info.PID); err == nil {
			c.Runtime.StartedAt = at.UnixNano()
		}
	}
	return c, true
}

// gone reports whether err means that a process has ended. A process that may
// not be looked at is still there.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

// describe makes a Container of what a runtime reports.
func describe(name string, info source.Info) Container {
	c := Container{
		Runtime: Runtime{
			Name: name, ID: info.ID, Container: info.Name,
			ImageName: info.ImageName, ImageID: info.ImageID, ImageDigest: info.ImageDigest,
		},
		K8s: K8s{
			Namespace: info.Labels[labelNamespace], PodName: info.Labels[labelPod],
			Container: info.Labels[labelContainer], PodUID: info.Labels[labelUID],
			PodLabels: podLabels(info.PodLabels),
		},
		SandboxID: info.SandboxID, PID: info.PID,
	}
	if info.StartedAt.After(time.Unix(0, 0)) {
		c.Runtime.StartedAt = info.StartedAt.UnixNano()
	}
	if c.K8s.PodName == "" {
		c.K8s.PodName = info.PodName
	}
	c.K8s.Owner = owner(c.K8s.PodName, c.K8s.PodLabels)
	return c
}

// podLabels returns the labels that a sandbox has from its pod.
func podLabels(sandbox map[string]string) map[string]string {
	labels := map[string]string{}
	for k, v := range sandbox {
		if !strings.HasPrefix(k, labelPrefix) && !strings.HasPrefix(k, labelSandbox) {
			labels[k] = v
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// The labels that the controllers of Kubernetes give to the pods they make.
const (
	labelJob         = "batch.kubernetes.io/job-name"
	labelJobBefore   = "job-name" // before Kubernetes 1.27
	labelStatefulPod = "statefulset.kubernetes.io/pod-name"
	labelTemplate    = "pod-template-hash"       // Deployments
	labelGeneration  = "pod-template-generation" // DaemonSets
)

// owner returns what made a pod, as far as the labels and the name of the pod
// say. Names that a controller had to shorten are left out.
func owner(pod string, labels map[string]string) *Owner {
	cut := strings.LastIndexByte(pod, '-')
	switch {
	case labels[labelJob] != "":
		return &Owner{Kind: "Job", Name: labels[labelJob]}
	case labels[labelJobBefore] != "":
		return &Owner{Kind: "Job", Name: labels[labelJobBefore]}
	case cut <= 0:
		return nil
	case labels[labelStatefulPod] == pod:
		return &Owner{Kind: "StatefulSet", Name: pod[:cut]}
	case labels[labelTemplate] != "":
		if name, ok := strings.CutSuffix(pod[:cut], "-"+labels[labelTemplate]); ok && name != "" {
			return &Owner{Kind: "Deployment", Name: name}
		}
	case labels[labelGeneration] != "":
		return &Owner{Kind: "DaemonSet", Name: pod[:cut]}
	}
	return nil
}
