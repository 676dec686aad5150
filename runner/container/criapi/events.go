package criapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// pollEvery is how often a runtime that sends no events is polled.
const pollEvery = time.Second

// Events implements source.Source. CRI-O sends events only where
// enable_pod_events is set, and ends the stream at once elsewhere: then its list
// is compared with the one before.
func (s *service) Events(ctx context.Context, ready func(), changed func(id string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.runtime.GetContainerEvents(ctx, &cri.GetEventsRequest{})
	if err != nil {
		return fmt.Errorf("following events: %w", err)
	}
	ready()
	for reported := false; ; {
		e, err := stream.Recv()
		if !reported && (errors.Is(err, io.EOF) || status.Code(err) == codes.Unimplemented) {
			return s.poll(ctx, changed)
		}
		if err != nil {
			return fmt.Errorf("following events: %w", err)
		}
		reported = true
		changed(e.GetContainerId())
	}
}

// poll reports the containers that come and go between two lists.
func (s *service) poll(ctx context.Context, changed func(id string)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	before := map[string]int64{}
	for {
		now, err := s.snapshot(ctx)
		if err != nil {
			return err
		}
		for id, at := range now {
			if seen, ok := before[id]; !ok || seen != at {
				changed(id)
			}
		}
		for id := range before {
			if _, ok := now[id]; !ok {
				changed(id)
			}
		}
		before = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// snapshot returns the containers that run, with the time they were made.
func (s *service) snapshot(ctx context.Context) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, source.Timeout)
	defer cancel()
	list, err := s.running(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]int64, len(list))
	for _, c := range list {
		found[c.GetId()] = c.GetCreatedAt()
	}
	return found, nil
}
