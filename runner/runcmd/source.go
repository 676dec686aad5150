package runcmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// bound returns a context that ends after a --timeout, if there is one.
func bound(ctx context.Context, timeout cli.Timeout) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, time.Duration(timeout), errTimeout)
}

// fetchInTime is fetch, which takes no longer than --timeout.
func (s *session) fetchInTime(ctx context.Context) error {
	ctx, cancel := bound(ctx, s.cmd.Timeout)
	defer cancel()
	whole := s.g
	bounded := *whole
	bounded.Ctx, s.g = ctx, &bounded
	err := s.fetch(ctx)
	s.g = whole
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return fmt.Errorf("it did not arrive within the --timeout of %s, pull it before or allow more",
			time.Duration(s.cmd.Timeout))
	}
	return err
}

// fetch reads the artifact from a path, or from the store after pulling it.
func (s *session) fetch(ctx context.Context) error {
	allowed, err := newAllowList(s.cmd.AllowedGadgets)
	if err != nil {
		return cli.Usage(err)
	}
	locked, err := readLocked(ctx, string(s.cmd.Locked))
	if err != nil {
		return err
	}
	name, err := artifact.ParseName(s.cmd.Gadget)
	if err != nil {
		return err
	}
	if !name.IsPath() {
		ref, err := locked.pin(name)
		if err != nil {
			return err
		}
		return name.Explain(s.fetchReference(ctx, ref, allowed))
	}
	src, err := artifact.OpenPath(ctx, name)
	if err != nil {
		return err
	}
	defer src.Release()
	if err := errors.Join(allowed.check(registry.Reference{}, src.Root.Digest),
		locked.check(s.cmd.Gadget, src.Root.Digest)); err != nil {
		return err
	}
	if err := artifact.Admit(s.g, artifact.Admission{
		Trust: s.cmd.TrustFlags, Digest: src.Root.Digest,
		Stored: src.Place,
	}); err != nil {
		return err
	}
	return s.load(ctx, src.Blobs, src.Root)
}

func (s *session) load(ctx context.Context, blobs oci.Blobs, root ocispec.Descriptor) error {
	art, err := gadget.Load(ctx, blobs, root, arch.Host())
	s.artifact = art
	return err
}

// fetchReference reads the gadget from the store, where it is pulled first if
// --pull requests it and the policy admits it.
func (s *session) fetchReference(ctx context.Context, reference string, allowed allowList) error {
	got, err := artifact.Obtain(s.g, artifact.Request{
		Reference: reference, Policy: s.cmd.Pull, Archs: []arch.Arch{arch.Host()},
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
