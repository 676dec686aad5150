package engine

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	fuseoverlayfs "github.com/containerd/fuse-overlayfs-snapshotter/v2"
)

// Backends are the names of the ways to store layers.
func Backends() []string { return []string{"auto", "native", "overlayfs", "fuse-overlayfs"} }

// backend is a way to store layers.
type backend struct {
	name      string
	supported func(root string) error
	open      func(root string) (snapshots.Snapshotter, error)
}

// backends are in the order of preference.
func backends() []backend {
	return []backend{
		{"overlayfs", overlayutils.Supported, func(root string) (snapshots.Snapshotter, error) {
			return overlay.NewSnapshotter(root)
		}},
		{"fuse-overlayfs", fuseoverlayfs.Supported, func(root string) (snapshots.Snapshotter, error) {
			return fuseoverlayfs.NewSnapshotter(root)
		}},
		{"native", func(string) error { return nil }, native.NewSnapshotter},
	}
}

// choose returns the backend of that name, or for "auto" the first that works
// below state.
func choose(name, state string) (backend, error) {
	if !slices.Contains(Backends(), name) {
		return backend{}, fmt.Errorf("%q is not a backend, use one of %s", name, strings.Join(Backends(), ", "))
	}
	for _, b := range backends() {
		if name != "auto" && name != b.name {
			continue
		}
		err := b.supported(state)
		if err == nil {
			return b, nil
		}
		if name == b.name {
			return backend{}, fmt.Errorf("backend %s does not work here, use --backend auto or native: %w", name, err)
		}
	}
	return backend{}, fmt.Errorf("no backend works below %q: %w", state, os.ErrInvalid)
}
