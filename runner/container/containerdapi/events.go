package containerdapi

import (
	"context"
	"fmt"
	"strconv"

	tasks "github.com/containerd/containerd/api/events"
	events "github.com/containerd/containerd/api/services/events/v1"
	"google.golang.org/protobuf/proto"
)

// Events implements source.Source.
func (c *containerd) Events(ctx context.Context, ready func(), changed func(id string)) error {
	ctx, cancel := context.WithCancel(c.within(ctx))
	defer cancel()
	stream, err := c.events.Subscribe(ctx, &events.SubscribeRequest{Filters: []string{
		"namespace==" + strconv.Quote(c.namespace) + `,topic~="^/tasks/(create|start|exit|delete)$"`,
	}})
	if err != nil {
		return fmt.Errorf("following events: %w", err)
	}
	ready()
	for {
		e, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("following events: %w", err)
		}
		id, err := parseEvent(e.GetTopic(), e.GetEvent().GetValue())
		if err != nil {
			return err
		}
		if id != "" {
			changed(id)
		}
	}
}

// parseEvent returns the ID of the container that an event is about, "" for
// events that change nothing: the end of a process that is not the first.
func parseEvent(topic string, value []byte) (string, error) {
	var message interface {
		proto.Message
		GetContainerID() string
	}
	switch topic {
	case "/tasks/create":
		message = &tasks.TaskCreate{}
	case "/tasks/start":
		message = &tasks.TaskStart{}
	case "/tasks/exit":
		message = &tasks.TaskExit{}
	case "/tasks/delete":
		message = &tasks.TaskDelete{}
	default:
		return "", nil
	}
	if err := proto.Unmarshal(value, message); err != nil {
		return "", fmt.Errorf("reading event %s: %w", topic, err)
	}
	if exit, ok := message.(*tasks.TaskExit); ok && exit.GetID() != exit.GetContainerID() {
		return "", nil
	}
	return message.GetContainerID(), nil
}
