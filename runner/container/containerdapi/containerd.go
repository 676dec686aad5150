// Package containerdapi queries containerd through its own API, which also lists
// the containers that no kubelet made.
package containerdapi

import (
	"context"
	"fmt"

	containers "github.com/containerd/containerd/api/services/containers/v1"
	content "github.com/containerd/containerd/api/services/content/v1"
	events "github.com/containerd/containerd/api/services/events/v1"
	images "github.com/containerd/containerd/api/services/images/v1"
	tasks "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rules-gadget/rules_gadget/runner/container/rpc"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// namespaceHeader names the namespace of a call.
const namespaceHeader = "containerd-namespace"

// containerd is the source of one namespace of containerd.
type containerd struct {
	conn       *grpc.ClientConn
	namespace  string
	containers containers.ContainersClient
	tasks      tasks.TasksClient
	events     events.EventsClient
	images     imageStore
}

// New returns the containers in a namespace of the containerd at socket.
func New(socket, namespace string) (source.Source, error) {
	conn, err := rpc.Dial(socket)
	if err != nil {
		return nil, err
	}
	return &containerd{
		conn: conn, namespace: namespace,
		containers: containers.NewContainersClient(conn),
		tasks:      tasks.NewTasksClient(conn),
		events:     events.NewEventsClient(conn),
		images:     imageStore{images: images.NewImagesClient(conn), content: content.NewContentClient(conn)},
	}, nil
}

// Close implements source.Source.
func (c *containerd) Close() error { return c.conn.Close() }

// within returns a context for calls in the namespace.
func (c *containerd) within(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, namespaceHeader, c.namespace)
}

// List implements source.Source.
func (c *containerd) List(ctx context.Context) ([]source.Info, error) {
	ctx, cancel := context.WithTimeout(c.within(ctx), source.Timeout)
	defer cancel()
	running, err := c.tasks.List(ctx, &tasks.ListTasksRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	all, err := c.containers.List(ctx, &containers.ListContainersRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	byID := make(map[string]*containers.Container, len(all.GetContainers()))
	for _, one := range all.GetContainers() {
		byID[one.GetID()] = one
	}
	infos := make([]source.Info, 0, len(running.GetTasks()))
	for _, t := range running.GetTasks() {
		one := byID[t.GetID()]
		if one == nil || !alive(t) || isSandbox(one) {
			continue
		}
		infos = append(infos, c.info(ctx, one, t.GetPid(), func(id string) *containers.Container { return byID[id] }))
	}
	return infos, nil
}

// Inspect implements source.Source. A task that was made and has not started
// counts: its namespaces exist, and its program has not begun.
func (c *containerd) Inspect(ctx context.Context, id string) (source.Info, error) {
	ctx, cancel := context.WithTimeout(c.within(ctx), source.Timeout)
	defer cancel()
	t, err := c.tasks.Get(ctx, &tasks.GetRequest{ContainerID: id})
	if status.Code(err) == codes.NotFound {
		return source.Info{}, source.ErrGone
	}
	if err != nil {
		return source.Info{}, fmt.Errorf("querying task %q: %w", id, err)
	}
	if !alive(t.GetProcess()) {
		return source.Info{}, source.ErrGone
	}
	one, err := c.container(ctx, id)
	if err != nil {
		return source.Info{}, err
	}
	if isSandbox(one) {
		return source.Info{}, source.ErrGone
	}
	return c.info(ctx, one, t.GetProcess().GetPid(), func(id string) *containers.Container {
		sandbox, _ := c.container(ctx, id) // without it the labels of the pod stay unknown
		return sandbox
	}), nil
}

func (c *containerd) container(ctx context.Context, id string) (*containers.Container, error) {
	answer, err := c.containers.Get(ctx, &containers.GetContainerRequest{ID: id})
	if status.Code(err) == codes.NotFound {
		return nil, source.ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("querying container %q: %w", id, err)
	}
	return answer.GetContainer(), nil
}

// info puts together what is known about a container.
func (c *containerd) info(ctx context.Context, one *containers.Container, pid uint32,
	find func(id string) *containers.Container,
) source.Info {
	info := describe(one)
	info.PID = pid
	if info.SandboxID != "" {
		info.PodLabels = find(info.SandboxID).GetLabels()
	}
	if info.ImageName != "" {
		info.ImageDigest, info.ImageID = c.images.lookup(ctx, info.ImageName)
	}
	return info
}

// alive reports whether a task has a process.
func alive(p *task.Process) bool {
	switch p.GetStatus() {
	case task.Status_CREATED, task.Status_RUNNING, task.Status_PAUSED, task.Status_PAUSING:
		return p.GetPid() > 0
	}
	return false
}
