package containertest

import (
	"context"
	"maps"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is a pod of one container, made as a kubelet would.
type Pod struct{ Sandbox, Container string } // IDs

// PodSpec is a pod to start.
type PodSpec struct {
	Namespace, Name, Container string
	Labels                     map[string]string
}

// UID is the pod's, as the API server of Kubernetes would give it.
func (s *PodSpec) UID() string { return "uid-of-" + s.Name }

// labels returns what a kubelet gives to containers of the pod.
func (s *PodSpec) labels() map[string]string {
	return map[string]string{
		"io.kubernetes.pod.name": s.Name, "io.kubernetes.pod.namespace": s.Namespace, "io.kubernetes.pod.uid": s.UID(),
	}
}

// onNode are the namespaces of a pod in the host's network.
var onNode = &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_CONTAINER}

func (s *PodSpec) sandbox() *cri.PodSandboxConfig {
	labels := s.labels()
	maps.Copy(labels, s.Labels)
	return &cri.PodSandboxConfig{
		Metadata: &cri.PodSandboxMetadata{Name: s.Name, Namespace: s.Namespace, Uid: s.UID()},
		Labels:   labels, LogDirectory: "/var/log",
		Linux: &cri.LinuxPodSandboxConfig{SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: onNode}},
	}
}

func (s *PodSpec) container() *cri.ContainerConfig {
	labels := s.labels()
	labels["io.kubernetes.container.name"] = s.Container
	return &cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: s.Container}, Image: &cri.ImageSpec{Image: ImageName},
		Labels: labels, LogPath: s.Container + ".log",
		Linux: &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: onNode}},
	}
}

// StartPod makes a pod through the CRI API of r. The test's end removes it.
func StartPod(tb testing.TB, r Runtime, spec PodSpec) Pod {
	tb.Helper()
	var p Pod
	withCRI(tb, r, func(ctx context.Context, client cri.RuntimeServiceClient) error {
		sandbox, err := client.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: spec.sandbox()})
		if err != nil {
			return err
		}
		p.Sandbox = sandbox.GetPodSandboxId()
		tb.Cleanup(func() { removePod(tb, r, p.Sandbox) })
		made, err := client.CreateContainer(ctx, &cri.CreateContainerRequest{
			PodSandboxId: p.Sandbox, SandboxConfig: spec.sandbox(), Config: spec.container(),
		})
		if err != nil {
			return err
		}
		p.Container = made.GetContainerId()
		_, err = client.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: p.Container})
		return err
	})
	return p
}

// StopContainer ends a container of a pod of r.
func StopContainer(tb testing.TB, r Runtime, id string) {
	tb.Helper()
	withCRI(tb, r, func(ctx context.Context, client cri.RuntimeServiceClient) error {
		_, err := client.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: id})
		return err
	})
}

func removePod(tb testing.TB, r Runtime, id string) {
	tb.Helper()
	withCRI(tb, r, func(ctx context.Context, client cri.RuntimeServiceClient) error {
		if _, err := client.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: id}); err != nil {
			return err
		}
		_, err := client.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: id})
		return err
	})
}

// withCRI calls use with the CRI API of r.
func withCRI(tb testing.TB, r Runtime, use func(context.Context, cri.RuntimeServiceClient) error) {
	tb.Helper()
	conn, err := grpc.NewClient("unix://"+r.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(tb, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	check(tb, use(ctx, cri.NewRuntimeServiceClient(conn)))
}
