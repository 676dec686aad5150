package containertest

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// containerdConfig lets the CRI plugin run without what a small machine lacks.
const containerdConfig = `version = 2
root = "/var/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + ImageName + `"
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`

// Namespace is the namespace of containerd that its containers are in.
const Namespace = "k8s.io"

// containerd is a runtime whose containers are made by its own client.
type containerd struct {
	*daemon
	id      string // of the image
	running map[string]bool
}

// Containerd starts containerd. Its containers are outside of pods, unless Pod
// makes them.
func Containerd(tb testing.TB) Runtime {
	tb.Helper()
	archive, id := image(tb)
	r := &containerd{id: id, running: map[string]bool{}, daemon: newDaemon(tb, "/run/containerd.sock",
		map[string]string{"etc/containerd/config.toml": containerdConfig}, "/usr/bin/containerd")}
	r.run(tb, archive, r.ctr("images", "import", "--snapshotter=native", "-")...)
	return r
}

// ctr returns a command line of containerd's client.
func (r *containerd) ctr(args ...string) []string {
	return append([]string{"/usr/bin/ctr", "--address=/run/containerd.sock", "--namespace=" + Namespace}, args...)
}

// ImageID implements Runtime.
func (r *containerd) ImageID() string { return r.id }

// Start implements Runtime.
func (r *containerd) Start(tb testing.TB, spec Spec) string {
	tb.Helper()
	args := []string{"run", "--detach", "--net-host", "--snapshotter=native", "--null-io"}
	for k, v := range spec.Labels {
		args = append(args, "--label", k+"="+v)
	}
	r.run(tb, nil, r.ctr(append(args, ImageName, spec.Name)...)...)
	r.running[spec.Name] = true
	tb.Cleanup(func() {
		if r.running[spec.Name] {
			r.Stop(tb, spec.Name)
		}
		r.run(tb, nil, r.ctr("containers", "rm", spec.Name)...)
	})
	return spec.Name
}

// Stop implements Runtime.
func (r *containerd) Stop(tb testing.TB, id string) {
	tb.Helper()
	r.run(tb, nil, r.ctr("tasks", "rm", "--force", id)...) // unlike a kill, this waits for the end
	delete(r.running, id)
}

// Pod is a pod of one container, made as a kubelet would.
type Pod struct {
	Sandbox, Container string // IDs
	Stop               func()
}

// StartPod makes a pod through the CRI API of containerd.
func StartPod(tb testing.TB, r Runtime, namespace, pod, container string, podLabels map[string]string) Pod {
	tb.Helper()
	conn, err := grpc.NewClient("unix://"+r.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(tb, err)
	client := cri.NewRuntimeServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	labels := map[string]string{
		"io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": namespace, "io.kubernetes.pod.uid": "uid-of-" + pod,
	}
	all := map[string]string{}
	for _, m := range []map[string]string{labels, podLabels} {
		for k, v := range m {
			all[k] = v
		}
	}
	node := &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_CONTAINER}
	config := &cri.PodSandboxConfig{
		Metadata: &cri.PodSandboxMetadata{Name: pod, Namespace: namespace, Uid: labels["io.kubernetes.pod.uid"]},
		Labels:   all, LogDirectory: "/var",
		Linux: &cri.LinuxPodSandboxConfig{SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: node}},
	}
	sandbox, err := client.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: config})
	check(tb, err)
	labels["io.kubernetes.container.name"] = container
	made, err := client.CreateContainer(ctx, &cri.CreateContainerRequest{
		PodSandboxId: sandbox.GetPodSandboxId(), SandboxConfig: config,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: container}, Image: &cri.ImageSpec{Image: ImageName},
			Labels: labels, LogPath: container + ".log",
			Linux: &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: node}},
		},
	})
	check(tb, err)
	_, err = client.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: made.GetContainerId()})
	check(tb, err)
	p := Pod{Sandbox: sandbox.GetPodSandboxId(), Container: made.GetContainerId()}
	p.Stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		_, err := client.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: p.Container})
		check(tb, err)
	}
	tb.Cleanup(func() {
		defer conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		_, err := client.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: p.Sandbox})
		check(tb, err)
		_, err = client.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: p.Sandbox})
		check(tb, err)
	})
	return p
}
