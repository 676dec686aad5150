package runcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// fetch reads the artifact from a layout, or from the store after pulling it.
func (s *session) fetch(ctx context.Context) error {
	allowed, err := newAllowList(s.cmd.AllowedGadgets)
	if err != nil {
		return cli.Usage(err)
	}
	layout, err := openLayout(s.cmd.Gadget)
	if err != nil {
		return err
	}
	if layout == nil {
		return s.fetchReference(ctx, allowed)
	}
	defer layout.Close()
	root, err := layout.Root("")
	if err != nil {
		return err
	}
	if err := allowed.check(registry.Reference{}, root.Digest); err != nil {
		return err
	}
	if err := artifact.Admit(s.g, artifact.Admission{Trust: s.cmd.TrustFlags, Digest: root.Digest}); err != nil {
		return err
	}
	return s.load(ctx, layout, root)
}

// openLayout opens the layout at path, nil when path is a reference: there is
// no such file, and it does not look like one.
func openLayout(path string) (*oci.Layout, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return oci.OpenLayout(path)
	case err == nil:
		return oci.OpenLayoutTar(path)
	case errors.Is(err, os.ErrNotExist) && !looksLikePath(path):
		return nil, nil
	}
	return nil, fmt.Errorf("opening layout: %w", err)
}

// looksLikePath reports whether s can be no reference: references neither
// begin with a slash or a dot nor end like a tar file.
func looksLikePath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") || filepath.Ext(s) == ".tar"
}

func (s *session) load(ctx context.Context, blobs oci.Blobs, root ocispec.Descriptor) error {
	art, err := gadget.Load(ctx, blobs, root, arch.Host())
	s.artifact = art
	return err
}

// fetchReference reads the gadget from the store, where it is pulled first if
// --pull asks for it and the policy lets it run.
func (s *session) fetchReference(ctx context.Context, allowed allowList) error {
	got, err := artifact.Obtain(s.g, artifact.Request{
		Reference: s.cmd.Gadget, Policy: s.cmd.Pull, Archs: []arch.Arch{arch.Host()},
		Registry: s.cmd.RegistryFlags, Trust: &s.cmd.TrustFlags, Allow: allowed.check,
	})
	if err != nil {
		return err
	}
	release, err := got.Store.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.load(ctx, got.Store, got.Root)
}
