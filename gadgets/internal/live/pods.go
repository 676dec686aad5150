package live

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is a pod of one container.
type Pod struct {
	Namespace, Name string
	Labels          map[string]string
	PID             int // a process in the container
}

// Runtime is a container runtime that reports pods, until the test ends. It returns
// the flags by which the runner queries it.
func Runtime(t *testing.T, pods ...Pod) []string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "cri.sock")
	listener, err := net.Listen("unix", socket) //nolint:noctx // at once
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	cri.RegisterRuntimeServiceServer(server, &criRuntime{pods: pods})
	cri.RegisterImageServiceServer(server, &cri.UnimplementedImageServiceServer{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return []string{"--runtimes", "cri-o", "--crio-socketpath", socket}
}

// criRuntime answers the requests of the runner. Container and sandbox have the name of
// the pod as their ids.
type criRuntime struct {
	cri.UnimplementedRuntimeServiceServer
	pods []Pod
}

// ListContainers implements cri.RuntimeServiceServer.
func (r *criRuntime) ListContainers(context.Context, *cri.ListContainersRequest) (*cri.ListContainersResponse, error) {
	answer := &cri.ListContainersResponse{}
	for _, p := range r.pods {
		answer.Containers = append(answer.Containers, &cri.Container{Id: p.Name, PodSandboxId: p.Name})
	}
	return answer, nil
}

// ListPodSandbox implements cri.RuntimeServiceServer.
func (r *criRuntime) ListPodSandbox(context.Context, *cri.ListPodSandboxRequest) (*cri.ListPodSandboxResponse, error) {
	answer := &cri.ListPodSandboxResponse{}
	for _, p := range r.pods {
		answer.Items = append(answer.Items, &cri.PodSandbox{Id: p.Name, Labels: p.Labels})
	}
	return answer, nil
}

// ContainerStatus implements cri.RuntimeServiceServer.
func (r *criRuntime) ContainerStatus(
	_ context.Context, of *cri.ContainerStatusRequest,
) (*cri.ContainerStatusResponse, error) {
	for _, p := range r.pods {
		if p.Name != of.GetContainerId() {
			continue
		}
		return &cri.ContainerStatusResponse{
			Status: &cri.ContainerStatus{
				Id: p.Name, Metadata: &cri.ContainerMetadata{Name: "main"}, State: cri.ContainerState_CONTAINER_RUNNING,
				Image: &cri.ImageSpec{Image: "example"}, ImageRef: "example",
				Labels: map[string]string{
					"io.kubernetes.pod.namespace": p.Namespace, "io.kubernetes.pod.name": p.Name,
					"io.kubernetes.container.name": "main",
				},
			},
			Info: map[string]string{"info": fmt.Sprintf(`{"sandboxID":%q,"pid":%d}`, p.Name, p.PID)},
		}, nil
	}
	return nil, fmt.Errorf("container %q not found", of.GetContainerId())
}
