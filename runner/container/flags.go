package container

import (
	"fmt"
	"slices"
	"strings"
)

// RuntimeFlags specify which runtimes to query, and where.
type RuntimeFlags struct {
	Runtimes            string `short:"r" placeholder:"LIST" help:"Container runtimes to query, comma-separated: docker, containerd, cri-o, podman. Default: all of them."`
	DockerSocket        string `name:"docker-socketpath" default:"/run/docker.sock" placeholder:"PATH" help:"Socket of docker's API (${default})."`
	ContainerdSocket    string `name:"containerd-socketpath" default:"/run/containerd/containerd.sock" placeholder:"PATH" help:"Socket of containerd's API (${default})."`
	CRIOSocket          string `name:"crio-socketpath" default:"/run/crio/crio.sock" placeholder:"PATH" help:"Socket of CRI-O's CRI API (${default})."`
	PodmanSocket        string `name:"podman-socketpath" default:"/run/podman/podman.sock" placeholder:"PATH" help:"Socket of podman's API (${default})."`
	ContainerdNamespace string `name:"containerd-namespace" default:"k8s.io" placeholder:"NAME" help:"Namespace of containerd to look in (${default})."`
	HostRoot            string `name:"host-root" hidden:"" env:"HOST_ROOT" help:"Root directory of the node, when running in a container."`
}

// Names returns the runtimes to query, in a fixed order, and whether the user
// named them. Its error is a usage error of --runtimes.
func (f *RuntimeFlags) Names() (names []string, named bool, err error) {
	all := []string{Docker, Containerd, CRIO, Podman}
	wanted := split(f.Runtimes)
	if len(wanted) == 0 {
		return all, false, nil
	}
	for _, w := range wanted {
		if !slices.Contains(all, w) {
			return nil, true, fmt.Errorf("--runtimes: unknown runtime %q, use one of %s", w, strings.Join(all, ", "))
		}
	}
	return slices.DeleteFunc(all, func(n string) bool { return !slices.Contains(wanted, n) }), true, nil
}
