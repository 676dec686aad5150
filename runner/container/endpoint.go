package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rules-gadget/rules_gadget/runner/container/containerdapi"
	"github.com/rules-gadget/rules_gadget/runner/container/criapi"
	"github.com/rules-gadget/rules_gadget/runner/container/dockerapi"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// endpoint is one runtime at its socket.
type endpoint struct {
	name   string
	socket string // as the user specified it
	path   string // as this process does
	flag   string
	open   func() (source.Source, error)
}

// endpoints returns the runtimes to query.
func (f *RuntimeFlags) endpoints() ([]endpoint, error) {
	names, _, err := f.Names()
	if err != nil {
		return nil, err
	}
	all := make([]endpoint, 0, len(names))
	for _, name := range names {
		all = append(all, f.endpoint(name))
	}
	return withoutTwins(all), nil
}

func (f *RuntimeFlags) endpoint(name string) endpoint {
	e := endpoint{name: name, flag: "--" + name + "-socketpath"}
	var open func(path string) (source.Source, error)
	switch name {
	case Docker:
		e.socket = f.DockerSocket
		open = func(path string) (source.Source, error) { return dockerapi.NewDocker(path), nil }
	case Podman:
		e.socket = f.PodmanSocket
		//nolint:unparam // those of other runtimes fail
		open = func(path string) (source.Source, error) { return dockerapi.NewPodman(path), nil }
	case Containerd:
		e.socket = f.ContainerdSocket
		open = func(path string) (source.Source, error) { return containerdapi.New(path, f.ContainerdNamespace) }
	case CRIO:
		e.socket, e.flag, open = f.CRIOSocket, "--crio-socketpath", criapi.New
	}
	e.path = filepath.Join(f.HostRoot, e.socket)
	e.open = func() (source.Source, error) {
		if err := present(e.path); err != nil {
			return nil, err
		}
		return open(e.path)
	}
	return e
}

// present returns an error when no process listens at path. Clients of gRPC would not
// report the reason.
func present(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errNoSocket
	}
	conn, err := net.DialTimeout("unix", path, source.Timeout)
	if err != nil {
		return err
	}
	return conn.Close()
}

var (
	errNoSocket  = errors.New("this is not a socket")
	errOtherPIDs = errors.New("the processes of the containers are not in /proc")
)

// withoutTwins leaves out docker where its socket is podman's under another
// name, as it is with podman's replacement of docker.
func withoutTwins(all []endpoint) []endpoint {
	i := slices.IndexFunc(all, func(e endpoint) bool { return e.name == Podman })
	if i < 0 {
		return all
	}
	podman, err := os.Stat(all[i].path)
	if err != nil {
		return all
	}
	return slices.DeleteFunc(all, func(e endpoint) bool {
		if e.name != Docker {
			return false
		}
		docker, err := os.Stat(e.path)
		return err == nil && os.SameFile(docker, podman)
	})
}

// warning reports in one line that the runtime does not answer, with the hint.
func (e *endpoint) warning(err error) string {
	return fmt.Sprintf("no containers of %s: %v", e.name, e.explain(err))
}

// explain adds the place and the hint to what went wrong.
func (e *endpoint) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("socket %q does not exist, start %s, name its socket with %s, or leave it out of --runtimes",
			e.socket, e.name, e.flag)
	case errors.Is(err, errNoSocket):
		return fmt.Errorf("%q is not a socket, name the socket with %s", e.socket, e.flag)
	case errors.Is(err, errOtherPIDs):
		return fmt.Errorf("%w, run where the PIDs of the host are seen (hostPID), or mount its root and set HOST_ROOT", err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("permission denied at %q, run as root", e.socket)
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("no process listens at %q, start %s", e.socket, e.name)
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return fmt.Errorf("no answer from %q within %v, check that %s works", e.socket, source.Timeout, e.name)
	}
	return fmt.Errorf("querying %q: %w, check that %s works", e.socket, err, e.name)
}
