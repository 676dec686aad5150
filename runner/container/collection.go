package container

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container/proc"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// EventType is what happened to a container, in the terms of list-containers.
type EventType string

// The events of Collection.Watch.
const (
	// Added comes for each container that runs already, and for each that starts.
	Added EventType = "CREATED"
	// Removed comes when a container's process has ended.
	Removed EventType = "DELETED"
	// Listed comes once, without a container, when every runtime that answers
	// has reported what runs already.
	Listed EventType = "LISTED"
)

// Event is a change of what runs on the node.
type Event struct {
	Type      EventType
	Container Container
}

// Collection is the containers of the runtimes on this node.
type Collection struct {
	runtimes []endpoint
	files    proc.FS
	warn     func(text string)
}

// Open returns the containers of the runtimes that flags name. It connects to
// nothing yet; its error is a usage error of a flag. A runtime that cannot be
// queried is not an error: warn gets one line that names runtime, socket and hint,
// and no other until the runtime has answered again. warn may be called from
// any goroutine.
func Open(flags RuntimeFlags, warn func(text string)) (*Collection, error) {
	runtimes, err := flags.endpoints()
	if err != nil {
		return nil, err
	}
	return &Collection{runtimes: runtimes, files: proc.New(flags.HostRoot), warn: warn}, nil
}

// List returns the containers that run now, sorted by runtime and name. Its
// error is that of ctx.
func (c *Collection) List(ctx context.Context) ([]Container, error) {
	found, errs := make([][]Container, len(c.runtimes)), make([]error, len(c.runtimes))
	var wait sync.WaitGroup
	for i, e := range c.runtimes {
		wait.Go(func() { found[i], errs[i] = c.listOne(ctx, e) })
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil && ctx.Err() == nil {
			c.warn(c.runtimes[i].warning(err))
		}
	}
	return merge(found), ctx.Err()
}

func (c *Collection) listOne(ctx context.Context, e endpoint) ([]Container, error) {
	src, err := e.open()
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return c.list(ctx, e.name, src)
}

// endGrace is how long a runtime gets to notice that a process has ended.
const endGrace = 200 * time.Millisecond

// list returns the containers of a runtime, without those whose processes have
// ended meanwhile. Its error may be that this process sees others than the runtime
// does: a container is listed twice, and its process is not there.
func (c *Collection) list(ctx context.Context, name string, src source.Source) ([]Container, error) {
	infos, err := src.List(ctx)
	if err != nil {
		return nil, err
	}
	list := c.enrichAll(name, infos)
	if len(infos) == 0 || len(list) > 0 || c.files.HostPIDs() {
		return list, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(endGrace):
	}
	again, err := src.List(ctx)
	if err != nil {
		return nil, err
	}
	list = c.enrichAll(name, again)
	for _, info := range again {
		listed := slices.ContainsFunc(infos, func(i source.Info) bool { return i.ID == info.ID && i.PID == info.PID })
		if listed && len(list) == 0 {
			return nil, errOtherPIDs
		}
	}
	return list, nil
}

// enrichAll leaves out the containers whose processes have ended meanwhile.
func (c *Collection) enrichAll(name string, infos []source.Info) []Container {
	list := make([]Container, 0, len(infos))
	for _, info := range infos {
		if one, ok := enrich(name, info, c.files); ok {
			list = append(list, one)
		}
	}
	return list
}

// merge joins the lists of the runtimes. A container that two runtimes report,
// since one works through the other, belongs to the first.
func merge(lists [][]Container) []Container {
	all, seen := []Container{}, map[string]bool{}
	for _, list := range lists {
		for _, one := range list {
			if !seen[one.Runtime.ID] {
				seen[one.Runtime.ID] = true
				all = append(all, one)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Container) int {
		return cmp.Or(cmp.Compare(a.Runtime.Name, b.Runtime.Name),
			cmp.Compare(a.Runtime.Container, b.Runtime.Container), cmp.Compare(a.Runtime.ID, b.Runtime.ID))
	})
	return all
}

// Status is whether a runtime answers.
type Status struct {
	Name    string
	Socket  string
	Running int   // containers
	Hint    error // why it does not answer, and the hint; else nil
}

// Status queries every runtime, in a fixed order.
func (c *Collection) Status(ctx context.Context) []Status {
	all := make([]Status, 0, len(c.runtimes))
	for _, e := range c.runtimes {
		st := Status{Name: e.name, Socket: e.socket}
		list, err := c.listOne(ctx, e)
		if err != nil {
			st.Hint = e.explain(err)
		}
		st.Running = len(list)
		all = append(all, st)
	}
	return all
}

// Watch calls fn, never twice at once, with Added for each container that runs,
// then with Listed, then with Added and Removed as containers start and end,
// until ctx ends, when it returns nil. A container that starts twice is removed
// before it is added again. Runtimes that stop, or start later, are retried until
// they answer.
func (c *Collection) Watch(ctx context.Context, fn func(Event)) error {
	w := &watch{Collection: c, emit: fn, pending: len(c.runtimes), owners: map[string]string{}}
	var wait sync.WaitGroup
	for _, e := range c.runtimes {
		wait.Go(func() { (&follower{watch: w, endpoint: e, running: map[string]Container{}}).run(ctx) })
	}
	wait.Wait()
	return nil
}
