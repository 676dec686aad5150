package network

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/thread"
)

// Own is the process whose network namespace is that of this program.
const Own = 0

// namespace is an open network namespace.
type namespace struct {
	fd  int
	id  uint32 // inode number
	own bool   // of this program
}

// openNamespace opens the namespace of a process.
func openNamespace(pid uint32) (*namespace, error) {
	own, err := openPath("/proc/thread-self/ns/net")
	if err != nil || pid == Own {
		return own, err
	}
	defer own.Close()
	ns, err := openPath(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	ns.own = ns.id == own.id
	return ns, nil
}

func openPath(path string) (*namespace, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening network namespace %s: %w", path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(fmt.Errorf("opening network namespace %s: %w", path, err), unix.Close(fd))
	}
	return &namespace{fd: fd, id: uint32(st.Ino), own: true}, nil
}

// Close closes it.
func (n *namespace) Close() error { return unix.Close(n.fd) }

// do calls fn in the namespace.
func (n *namespace) do(fn func() error) error {
	if n.own {
		return fn()
	}
	return thread.Run(func() error {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering network namespace %d: %w, run with CAP_SYS_ADMIN", n.id, err)
		}
		return fn()
	})
}
