// Package network attaches programs that see packets in network namespaces: its
// own, and those of containers. Each namespace is entered once, however many
// containers share it.
package network

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cilium/ebpf"
)

// Hook attaches a program in the network namespace of the calling thread. The
// program may be closed once it returns.
type Hook func(prog *ebpf.Program) (io.Closer, error)

// Program is a program and how it is attached.
type Program struct {
	*ebpf.Program
	// Attach is the attach type that it was loaded with.
	Attach ebpf.AttachType
	Hook   Hook
}

// Set attaches programs in one network namespace after the other. It may be used
// from any goroutine. Close it.
type Set struct {
	mu     sync.Mutex
	hooks  []hook
	spaces map[uint32]*space // by the number of the namespace
	users  map[uint32]uint32 // the namespace of each process that was entered
}

type hook struct {
	*dispatcher
	attach Hook
}

// space is what is attached in a namespace.
type space struct {
	users    int
	attached Closers
}

// NewSet returns a Set of nothing.
func NewSet() *Set { return &Set{spaces: map[uint32]*space{}, users: map[uint32]uint32{}} }

// Add adds a program, and attaches it in this program's own namespace when own is
// set.
func (s *Set) Add(p Program, own bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := newDispatcher(p.Program, p.Attach)
	if err != nil {
		return err
	}
	h := hook{d, p.Hook}
	if own {
		err = s.addOwn(h)
	}
	if err != nil {
		return errors.Join(err, d.Close())
	}
	s.hooks = append(s.hooks, h)
	return nil
}

func (s *Set) addOwn(h hook) error {
	ns, err := openNamespace(Own)
	if err != nil {
		return err
	}
	defer ns.Close()
	closer, err := h.in(ns)
	if err != nil {
		return err
	}
	if s.spaces[ns.id] == nil {
		s.spaces[ns.id] = &space{users: 1}
		s.users[Own] = ns.id
	}
	s.spaces[ns.id].attached = append(s.spaces[ns.id].attached, closer)
	return nil
}

// in attaches the hook's program in ns.
func (h hook) in(ns *namespace) (closer io.Closer, err error) {
	err = ns.do(func() error {
		prog, err := h.program(ns.id)
		if err != nil {
			return err
		}
		defer prog.Close()
		closer, err = h.attach(prog)
		return err
	})
	return closer, err
}

// Enter attaches every program in the namespace of a process, once for all
// processes there, and returns how many it has.
func (s *Set) Enter(pid uint32) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, entered := s.users[pid]; entered || len(s.hooks) == 0 {
		return len(s.hooks), nil
	}
	ns, err := openNamespace(pid)
	if err != nil {
		return 0, err
	}
	defer ns.Close()
	sp := s.spaces[ns.id]
	if sp == nil {
		sp = &space{}
		for _, h := range s.hooks {
			closer, err := h.in(ns)
			if err != nil {
				return 0, errors.Join(fmt.Errorf("attaching in network namespace %d: %w", ns.id, err), sp.close())
			}
			sp.attached = append(sp.attached, closer)
		}
		s.spaces[ns.id] = sp
	}
	sp.users++
	s.users[pid] = ns.id
	return len(sp.attached), nil
}

// Leave takes Enter back: the last process of a namespace that leaves detaches
// the programs there.
func (s *Set) Leave(pid uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, entered := s.users[pid]
	if !entered {
		return nil
	}
	delete(s.users, pid)
	sp := s.spaces[id]
	if sp.users--; sp.users > 0 {
		return nil
	}
	delete(s.spaces, id)
	return sp.close()
}

// Close detaches everything.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, sp := range s.spaces {
		err = errors.Join(err, sp.close())
	}
	for _, h := range s.hooks {
		err = errors.Join(err, h.Close())
	}
	clear(s.spaces)
	clear(s.users)
	s.hooks = nil
	return err
}

func (s *space) close() error {
	err := s.attached.Close()
	s.attached = nil
	return err
}

// Closers are closed together.
type Closers []io.Closer

// Close closes all.
func (c Closers) Close() error {
	var err error
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}
