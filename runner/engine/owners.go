package engine

import (
	"context"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/runner/sockets"
)

// openOwners makes the object use a map of the owners of sockets, when it requests
// them. Where the kernel cannot report them the map of the object stays, empty.
func (l *Loaded) openOwners(spec *ebpf.CollectionSpec, opts LoadOptions) map[string]*ebpf.Map {
	if spec.Maps[sockets.MapName] == nil {
		return nil
	}
	if !usesMap(spec, sockets.MapName) { // it came with a header, and is large
		delete(spec.Maps, sockets.MapName)
		return nil
	}
	owners, err := sockets.Open(sockets.Options{
		Cache: opts.Cache, Tracefs: withTracefs, Warn: func(err error) { l.note("%v", err) },
	})
	if err != nil {
		l.note("events do not say who owns a socket: %v", err)
		return nil
	}
	l.owners = owners
	return owners.Replace(spec)
}

// usesMap reports whether a program of the object uses a map.
func usesMap(spec *ebpf.CollectionSpec, name string) bool {
	for _, prog := range spec.Programs {
		for _, ins := range prog.Instructions {
			if ins.IsLoadFromMap() && ins.Reference() == name {
				return true
			}
		}
	}
	return false
}

// followOwners keeps the owners of sockets up to date until ctx ends and the
// function that it returns is called.
func (l *Loaded) followOwners(ctx context.Context) (stop func()) {
	if l.owners == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.owners.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}
