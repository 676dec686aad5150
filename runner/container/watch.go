package container

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// The times of Watch.
const (
	readyTimeout = 2 * time.Second  // for a stream of events to begin
	firstResync  = time.Second      // after the first list: streams may begin late
	resyncEvery  = 30 * time.Second // against events that a runtime lost
	retryFirst   = 250 * time.Millisecond
	retryMost    = 5 * time.Second
	stableAfter  = 10 * time.Second // after which a session counts as well
)

// maxHints is how many changes may wait. Beyond it everything is listed again.
const maxHints = 256

// watch is what the followers of one Watch share.
type watch struct {
	*Collection
	mu      sync.Mutex
	emit    func(Event)
	pending int               // followers that have not listed yet
	owners  map[string]string // runtime by container ID
}

// listed counts a follower that has reported what runs.
func (w *watch) listed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending--; w.pending == 0 {
		w.emit(Event{Type: Listed})
	}
}

// add reports c, unless another runtime did.
func (w *watch) add(c Container) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.owners[c.Runtime.ID]; ok {
		return
	}
	w.owners[c.Runtime.ID] = c.Runtime.Name
	w.emit(Event{Type: Added, Container: c.clone()})
}

func (w *watch) remove(c Container) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners[c.Runtime.ID] != c.Runtime.Name {
		return
	}
	delete(w.owners, c.Runtime.ID)
	w.emit(Event{Type: Removed, Container: c.clone()})
}

// follower follows one runtime.
type follower struct {
	*watch
	endpoint
	running  map[string]Container
	reported bool // listed was called
	warned   bool
}

// run follows the runtime until ctx ends.
func (f *follower) run(ctx context.Context) {
	wait := retryFirst
	for {
		start := time.Now()
		err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if !f.warned {
			f.warned = true
			f.warn(f.warning(err))
		}
		f.reportAll()
		f.dropDead()
		if time.Since(start) > stableAfter {
			wait = retryFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

func (f *follower) reportAll() {
	if !f.reported {
		f.reported = true
		f.listed()
	}
}

// stream is the events of a session.
type stream struct {
	ready  chan struct{}
	hints  chan string
	missed chan struct{} // there were more hints than fit
	ended  chan error
}

// session subscribes, lists and follows, until the runtime hangs up.
func (f *follower) session(ctx context.Context) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer src.Close()
	ctx, cancel := context.WithCancel(ctx)
	s := subscribe(ctx, src)
	defer func() {
		cancel()
		if s.ended != nil {
			<-s.ended
		}
	}()
	select {
	case <-s.ready:
	case <-time.After(readyTimeout): // some send nothing before the first event
	case err := <-s.ended:
		s.ended = nil
		return err
	}
	if err := f.resync(ctx, src); err != nil {
		return err
	}
	f.warned = false
	f.reportAll()
	if err := f.follow(ctx, src, s); err != nil {
		return err
	}
	return ctx.Err()
}

// subscribe starts to read the events of src.
func subscribe(ctx context.Context, src source.Source) *stream {
	s := &stream{
		ready: make(chan struct{}), hints: make(chan string, maxHints), missed: make(chan struct{}, 1),
		ended: make(chan error, 1),
	}
	go func() {
		s.ended <- src.Events(ctx, sync.OnceFunc(func() { close(s.ready) }), func(id string) {
			select {
			case s.hints <- id:
			default:
				select {
				case s.missed <- struct{}{}:
				default:
				}
			}
		})
	}()
	return s
}

// follow applies events as they come.
func (f *follower) follow(ctx context.Context, src source.Source, s *stream) error {
	resync := time.NewTimer(firstResync)
	defer resync.Stop()
	for {
		var err error
		select {
		case id := <-s.hints:
			err = f.inspect(ctx, src, id)
		case <-s.missed:
			err = f.resync(ctx, src)
		case <-resync.C:
			err = f.resync(ctx, src)
			resync.Reset(resyncEvery)
		case err = <-s.ended:
			s.ended = nil
		}
		if err != nil {
			return err
		}
	}
}

// inspect queries one container and reports what has changed.
func (f *follower) inspect(ctx context.Context, src source.Source, id string) error {
	info, err := src.Inspect(ctx, id)
	if err != nil && !errors.Is(err, source.ErrGone) {
		return f.resync(ctx, src) // which fails where it is not about this container
	}
	if err == nil {
		if c, ok := enrich(f.name, info, f.files); ok {
			f.found(c)
			return nil
		}
	}
	f.lost(id)
	return nil
}

// resync lists all containers and reports what has changed.
func (f *follower) resync(ctx context.Context, src source.Source) error {
	list, err := f.list(ctx, f.name, src)
	if err != nil {
		return err
	}
	now := make(map[string]bool, len(list))
	for _, c := range list {
		now[c.Runtime.ID] = true
		f.found(c)
	}
	for id := range f.running {
		if !now[id] {
			f.lost(id)
		}
	}
	return nil
}

// found reports a container that is new, or another run of one.
func (f *follower) found(c Container) {
	if before, ok := f.running[c.Runtime.ID]; ok {
		if same(&before, &c) {
			return
		}
		f.lost(c.Runtime.ID)
	}
	f.running[c.Runtime.ID] = c
	f.add(c)
}

// lost reports a container that has ended.
func (f *follower) lost(id string) {
	if c, ok := f.running[id]; ok {
		delete(f.running, id)
		f.remove(c)
	}
}

// dropDead removes the containers whose processes ended while their runtime
// did not answer.
func (f *follower) dropDead() {
	for id, c := range f.running {
		mnt, _, err := f.files.Namespaces(c.PID)
		if gone(err) || err == nil && mnt != c.MountNS {
			f.lost(id)
		}
	}
}
