package runcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

const (
	// listWait is how long the start waits for the runtimes to report what runs,
	// when the user chose containers.
	listWait = 10 * time.Second
	// watchGrace is how long the end waits for the connections to the runtimes.
	watchGrace = time.Second
	// nodeEnv names this node, as pods of Kubernetes get it.
	nodeEnv = "NODE_NAME"
)

// openRuntimes returns where containers are known from.
func openRuntimes(flags container.RuntimeFlags, warn func(text string)) (enrich.Source, error) {
	return container.Open(flags, warn)
}

// containers is what a run knows about the containers of this machine.
type containers struct {
	tracker   *enrich.Tracker
	source    enrich.Source
	selecting bool // the user chose some
	present   bool // the socket of some runtime is there
	followed  bool // they are watched
}

// openContainers prepares what the flags request. It connects to nothing.
func (s *session) openContainers() error {
	selector, err := s.cmd.SelectorFlags.Selector()
	if err != nil {
		return err
	}
	names, asked, err := s.cmd.RuntimeFlags.Names()
	if err != nil {
		return err
	}
	c := containers{selecting: !selector.Empty()}
	if c.selecting && s.cmd.Host {
		return errors.New("--host shows the whole machine, but other flags choose containers, leave out one of them")
	}
	available := s.cmd.withSocket(names)
	c.present = len(available) > 0
	flags, warn := s.cmd.RuntimeFlags, s.notef
	switch {
	case asked:
	case c.present:
		flags.Runtimes = strings.Join(available, ",")
	default:
		warn = s.detailf
	}
	c.tracker = enrich.New(selector, func(err error) { s.notef("%v", err) })
	c.source, err = s.runtimes(flags, func(text string) { warn("%s", text) })
	s.containers = c
	return err
}

// withSocket returns those of the runtimes whose sockets exist.
func (c *Cmd) withSocket(names []string) []string {
	sockets := map[string]string{
		container.Docker: c.DockerSocket, container.Containerd: c.ContainerdSocket,
		container.CRIO: c.CRIOSocket, container.Podman: c.PodmanSocket,
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, err := os.Stat(filepath.Join(c.HostRoot, sockets[name]))
		return err != nil || sockets[name] == ""
	})
}

// containerFields returns the containers as fields of events show them.
func (s *session) containerFields() *field.Containers {
	out := &field.Containers{Node: os.Getenv(nodeEnv), Show: s.containers.present && !s.cmd.Host}
	if s.containers.selecting || s.containers.present {
		out.Finder = s.containers.tracker.Finder
	}
	return out
}

// selected returns the test that an event of src comes from a container that
// the user chose, nil when nothing is to be tested. Events are also tested where
// the kernel filters: a header may have brought its filter into a gadget that
// does not use it. A gadget that gets the chosen containers alone, or sees
// packets in their networks alone, chooses by itself, too.
func (f sourceConfig) selected(src *field.Source) (func(sample []byte) bool, error) {
	inKernel := f.plan.FiltersMountNS()
	byItself := inKernel || f.hasContainerSource() || engine.WithinContainers(f.plan, f.places())
	if !f.containers.selecting || byItself && !src.NamesContainer() {
		return nil, nil
	}
	if !src.NamesContainer() {
		return nil, fmt.Errorf("the gadget cannot choose containers: it has no filter of them, "+
			"and the events of data source %q do not carry theirs, leave out -c and the flags like it", src.Name)
	}
	tracker := f.containers.tracker
	return func(s []byte) bool {
		mountNS, netNS := src.Namespaces(s)
		return inKernel && mountNS == 0 || tracker.Selected(mountNS, netNS)
	}, nil
}

// follow watches the runtimes until the function that it returns is called. Where
// no runtime runs and none is requested, it does nothing.
func (s *session) follow(ctx context.Context, sources []*field.Source) (stop func()) {
	useful := s.containers.selecting || s.containers.present && s.hasContainerSource()
	for _, src := range sources {
		useful = useful || s.containers.present && src.NamesContainer()
	}
	useful = useful || s.containers.present && engine.EntersContainers(s.plan, s.places())
	if !useful {
		return func() {}
	}
	s.containers.followed = true
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.containers.tracker.Run(ctx, s.containers.source); err != nil && ctx.Err() == nil {
			s.notef("containers that start or end from now on are not known: %v", err)
		}
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(watchGrace):
		}
	}
}

// choose makes loaded let only the events of the chosen containers pass, and
// waits until those that run are known.
func (s *session) choose(ctx context.Context, loaded *engine.Loaded) error {
	tracker := s.containers.tracker
	if !s.containers.selecting {
		return nil
	}
	select {
	case <-tracker.Listed():
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(listWait):
		s.notef("the container runtimes have not listed their containers within %s, starting without them", listWait)
	}
	if s.plan.FiltersMountNS() {
		tracker.FilterIn(loaded)
	}
	switch {
	case tracker.Running() > 0:
	case s.containers.present:
		s.notef("no matching container is running, waiting for one")
	default:
		s.notef("no container runtime is running, waiting for one; name its socket with --docker-socketpath or a flag like " +
			"it")
	}
	return nil
}
