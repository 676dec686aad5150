package otlp

import (
	"cmp"
	"context"
	"sync"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
)

// The limits of what waits for the collector, as OpenTelemetry sets them for
// batches of log records.
const (
	maxQueue  = 2048
	maxBatch  = 512
	batchWait = time.Second
)

// Events sends events as log records: in batches, in a goroutine of its own. When
// the collector is slower than the gadget, events are dropped and counted; the
// gadget is never held up.
type Events struct {
	client *client
	note   func(format string, args ...any)
	cancel context.CancelFunc
	done   chan struct{}
	filled chan struct{} // a batch is full, or the end has come

	mu      sync.Mutex
	queue   []entry
	dropped uint64
	ended   bool
}

// entry is a record and who made it.
type entry struct {
	scope  string
	record *logspb.LogRecord
}

// PushEvents starts to send what is added. Failures are noted, the run continues.
func PushEvents(e Endpoint, note func(format string, args ...any)) *Events {
	ctx, cancel := context.WithCancel(context.Background())
	out := &Events{
		client: newClient(e), note: note, cancel: cancel, done: make(chan struct{}), filled: make(chan struct{}, 1),
	}
	go out.work(ctx)
	return out
}

// add queues a record.
func (e *Events) add(scope string, record *logspb.LogRecord) {
	e.mu.Lock()
	if len(e.queue) >= maxQueue || e.ended {
		e.dropped++
		e.mu.Unlock()
		return
	}
	e.queue = append(e.queue, entry{scope, record})
	full := len(e.queue) >= maxBatch
	e.mu.Unlock()
	if full {
		e.wake()
	}
}

func (e *Events) wake() {
	select {
	case e.filled <- struct{}{}:
	default: // it is awake
	}
}

// work sends batches until Stop.
func (e *Events) work(ctx context.Context) {
	defer close(e.done)
	for {
		select {
		case <-e.filled:
		case <-time.After(batchWait):
		}
		for {
			batch, ended, dropped := e.take()
			if dropped > 0 {
				e.note("logs: dropped %d events, the collector is slower than the gadget", dropped)
			}
			if len(batch) == 0 {
				if ended {
					return
				}
				break
			}
			if err := e.client.send(ctx, logsData(e.client.Endpoint, batch)); err != nil {
				e.note("logs: %d events were not sent: %v", len(batch), err)
			}
		}
	}
}

// take returns the next batch, and what was dropped since the last time.
func (e *Events) take() (batch []entry, ended bool, dropped uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.queue), maxBatch)
	batch, e.queue = e.queue[:n:n], e.queue[n:]
	dropped, e.dropped = e.dropped, 0
	return batch, e.ended, dropped
}

// Stop sends what is queued, for at most a second.
func (e *Events) Stop() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	late := time.AfterFunc(endTimeout, e.cancel)
	e.wake()
	<-e.done
	late.Stop()
	e.cancel()
}

// logsData is a request with the records, by scope.
func logsData(e Endpoint, batch []entry) *logspb.LogsData {
	resource := &logspb.ResourceLogs{Resource: e.Resource}
	scopes := map[string]*logspb.ScopeLogs{}
	for _, b := range batch {
		scope := scopes[b.scope]
		if scope == nil {
			scope = &logspb.ScopeLogs{Scope: &commonpb.InstrumentationScope{Name: cmp.Or(b.scope, defaultService)}}
			scopes[b.scope] = scope
			resource.ScopeLogs = append(resource.ScopeLogs, scope)
		}
		scope.LogRecords = append(scope.LogRecords, b.record)
	}
	return &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{resource}}
}
