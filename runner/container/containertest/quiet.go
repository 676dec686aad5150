package containertest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// quiet forwards calls to a real runtime, but sends no events.
type quiet struct {
	cri.UnimplementedRuntimeServiceServer
	cri.UnimplementedImageServiceServer
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

// WithoutEvents returns a socket on which the CRI API of r has no events: it
// ends their stream at once, as CRI-O does where enable_pod_events is not set.
func WithoutEvents(tb testing.TB, r Runtime) string {
	tb.Helper()
	conn, err := grpc.NewClient("unix://"+r.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(tb, err)
	dir, err := os.MkdirTemp("/tmp", "cri")
	check(tb, err)
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	check(tb, err)
	server, q := grpc.NewServer(), &quiet{
		runtime: cri.NewRuntimeServiceClient(conn), images: cri.NewImageServiceClient(conn),
	}
	cri.RegisterRuntimeServiceServer(server, q)
	cri.RegisterImageServiceServer(server, q)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		server.Stop()
		check(tb, <-done)
		check(tb, conn.Close())
		check(tb, os.RemoveAll(dir))
	})
	return socket
}

func (q *quiet) ListContainers(ctx context.Context, r *cri.ListContainersRequest) (*cri.ListContainersResponse, error) {
	return q.runtime.ListContainers(ctx, r)
}

func (q *quiet) ListPodSandbox(ctx context.Context, r *cri.ListPodSandboxRequest) (*cri.ListPodSandboxResponse, error) {
	return q.runtime.ListPodSandbox(ctx, r)
}

func (q *quiet) ContainerStatus(
	ctx context.Context, r *cri.ContainerStatusRequest,
) (*cri.ContainerStatusResponse, error) {
	return q.runtime.ContainerStatus(ctx, r)
}

func (q *quiet) GetContainerEvents(*cri.GetEventsRequest,
	grpc.ServerStreamingServer[cri.ContainerEventResponse],
) error {
	return nil
}

func (q *quiet) ImageStatus(ctx context.Context, r *cri.ImageStatusRequest) (*cri.ImageStatusResponse, error) {
	return q.images.ImageStatus(ctx, r)
}
