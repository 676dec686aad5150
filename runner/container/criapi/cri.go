// Package criapi queries runtimes that implement the Container Runtime Interface of
// Kubernetes, of which CRI-O has no other API.
package criapi

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/rules-gadget/rules_gadget/runner/container/rpc"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// atOnce is how many containers are queried at the same time.
const atOnce = 8

// service is the source of one CRI runtime.
type service struct {
	conn    *grpc.ClientConn
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

// New returns the containers of the runtime at socket.
func New(socket string) (source.Source, error) {
	conn, err := rpc.Dial(socket)
	if err != nil {
		return nil, err
	}
	return &service{conn: conn, runtime: cri.NewRuntimeServiceClient(conn), images: cri.NewImageServiceClient(conn)}, nil
}

// Close implements source.Source.
func (s *service) Close() error { return s.conn.Close() }

// List implements source.Source.
func (s *service) List(ctx context.Context) ([]source.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, source.Timeout)
	defer cancel()
	list, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := s.podLabels(ctx, "")
	if err != nil {
		return nil, err
	}
	found := make([]source.Info, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, c := range list {
		g.Go(func() error {
			info, err := s.container(ctx, c.GetId())
			if errors.Is(err, source.ErrGone) || ctx.Err() == nil && status.Code(err) != codes.Unavailable && err != nil {
				return nil // a broken one does not hide the others
			}
			info.PodLabels = pods[info.SandboxID]
			found[i] = info
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	infos := make([]source.Info, 0, len(found))
	for _, info := range found {
		if info.ID != "" {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// running returns the containers that run, without details.
func (s *service) running(ctx context.Context) ([]*cri.Container, error) {
	list, err := s.runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: &cri.ContainerFilter{
		State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	return list.GetContainers(), nil
}

// podLabels returns the labels of the sandbox id, or of all.
func (s *service) podLabels(ctx context.Context, id string) (map[string]map[string]string, error) {
	list, err := s.runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{Filter: &cri.PodSandboxFilter{Id: id}})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	labels := make(map[string]map[string]string, len(list.GetItems()))
	for _, pod := range list.GetItems() {
		labels[pod.GetId()] = pod.GetLabels()
	}
	return labels, nil
}

// Inspect implements source.Source.
func (s *service) Inspect(ctx context.Context, id string) (source.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, source.Timeout)
	defer cancel()
	info, err := s.container(ctx, id)
	if err != nil || info.SandboxID == "" {
		return info, err
	}
	pods, err := s.podLabels(ctx, info.SandboxID)
	if err != nil {
		return source.Info{}, err
	}
	info.PodLabels = pods[info.SandboxID]
	return info, nil
}

func (s *service) container(ctx context.Context, id string) (source.Info, error) {
	answer, err := s.runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: id, Verbose: true})
	if status.Code(err) == codes.NotFound {
		return source.Info{}, source.ErrGone
	}
	if err != nil {
		return source.Info{}, fmt.Errorf("querying container %q: %w", id, err)
	}
	if answer.GetStatus().GetState() != cri.ContainerState_CONTAINER_RUNNING {
		return source.Info{}, source.ErrGone
	}
	info, err := describe(answer)
	if err == nil && info.ImageDigest == "" {
		info.ImageDigest = s.digest(ctx, answer.GetStatus().GetImageRef())
	}
	return info, err
}

// digest returns the digest of an image, "" where it has none: not every image
// comes from a registry.
func (s *service) digest(ctx context.Context, image string) string {
	answer, err := s.images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: image}})
	if err != nil {
		return ""
	}
	for _, d := range answer.GetImage().GetRepoDigests() {
		if digest := digestOf(d); digest != "" {
			return digest
		}
	}
	return ""
}
