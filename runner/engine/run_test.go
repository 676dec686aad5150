package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slowHandler is busy until it has to wait for its output.
type slowHandler struct {
	Handler
	busy atomic.Bool
}

func (h *slowHandler) Busy() bool { return h.busy.Load() }

// TestEndWaitsForWork ends a run while the handler has an array in its hands.
func TestEndWaitsForWork(t *testing.T) {
	ended := errors.New("the array was handled")
	for name, c := range map[string]struct {
		busy bool
		want error
	}{
		"at work":              {true, ended},
		"held up by an output": {false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				h := &slowHandler{}
				h.busy.Store(c.busy)
				done := make(chan error, 1)
				time.AfterFunc(10*time.Second, func() { done <- ended })
				if err := (&Loaded{}).finishArrays(ctx, h, done); !errors.Is(err, c.want) {
					t.Errorf("the end: %v, want %v", err, c.want)
				}
			})
		})
	}
}
