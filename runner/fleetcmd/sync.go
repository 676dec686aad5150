package fleetcmd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Sync is "sync".
type Sync struct {
	File   string      `arg:"" name:"lock" help:"Lock file that \"gadget-run lock\" wrote."`
	From   cli.File    `placeholder:"PATH" help:"Archive or layout directory that has everything, in place of the registries."`
	Jitter cli.Timeout `placeholder:"TIME" help:"Delay the first request to a registry by a random time of up to this; no effect if the store has everything."`
	artifact.PlatformFlags

	artifact.TrustFlags    `group:"Trust"`
	artifact.RegistryFlags `group:"Registry"`
}

// Run makes the store hold what the lock file names. Names change once
// everything is here and may run.
func (c *Sync) Run(g *cli.Globals) error {
	if err := c.TrustFlags.Check(); err != nil {
		return err
	}
	lock, err := lockfile.Read(g.Ctx, c.File)
	if err != nil {
		return err
	}
	archs, err := c.Archs()
	if err != nil {
		return err
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	changed, err := c.bring(g, s, lock, archs)
	if err != nil {
		return err
	}
	return c.report(g, s, lock, changed)
}

// bring fetches what is missing, after the policy admitted everything.
func (c *Sync) bring(g *cli.Globals, s *store.Store, lock lockfile.Lock, archs []arch.Arch) (store.SyncResult, error) {
	from, err := c.open(g, lock)
	if err != nil {
		return store.SyncResult{}, err
	}
	defer from.close()
	wanted := make([]store.Wanted, len(lock.Gadgets))
	complete := true
	for i, l := range lock.Gadgets {
		blobs, err := from.blobs(l)
		if err != nil {
			return store.SyncResult{}, err
		}
		wanted[i] = store.Wanted{
			Name: l.Name, Root: l.Root(), Archs: archs, Referrers: l.StoreReferrers(), From: storeFirst{s, blobs},
		}
		complete = complete && s.Complete(g.Ctx, wanted[i])
	}
	if !complete && from.archive == nil {
		if err := c.wait(g.Ctx); err != nil {
			return store.SyncResult{}, err
		}
	}
	release, err := s.Hold(g.Ctx) // what was verified must not be collected before it has a name
	if err != nil {
		return store.SyncResult{}, err
	}
	defer release()
	if err := c.admitAll(g, from, lock, wanted); err != nil {
		return store.SyncResult{}, err
	}
	changed, err := s.Sync(g.Ctx, wanted)
	if err != nil {
		return changed, err
	}
	return changed, from.mark(g, lock)
}

// wait spreads nodes that start to sync at the same time.
func (c *Sync) wait(ctx context.Context) error {
	if c.Jitter <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(time.Duration(c.Jitter))):
		return nil
	}
}

// admitAll checks all gadgets against the policy, several at once.
func (c *Sync) admitAll(g *cli.Globals, from *source, lock lockfile.Lock, wanted []store.Wanted) error {
	group, ctx := errgroup.WithContext(g.Ctx)
	group.SetLimit(maxAtOnce)
	together := *g
	together.Ctx = ctx
	for i, l := range lock.Gadgets {
		group.Go(func() error {
			_, err := admit(&together, admission{c.TrustFlags, from.client}, l, wanted[i].From)
			if sign.IsRefused(err) && len(l.Signers) > 0 {
				return fmt.Errorf("%w (when it was locked, %s had signed it)", err, l.SignedBy())
			}
			return err
		})
	}
	return group.Wait()
}

// report prints what changed and removes content that nothing needs.
func (c *Sync) report(g *cli.Globals, s *store.Store, lock lockfile.Lock, changed store.SyncResult) error {
	for _, name := range changed.Set {
		g.Say("synced %s", name)
	}
	for _, name := range changed.Removed {
		g.Say("removed %s", name)
	}
	if len(changed.Set)+len(changed.Removed) > 0 {
		if _, err := s.GC(g.Ctx, store.GCOptions{Yield: true}); err != nil && !errors.Is(err, store.ErrBusy) {
			return err
		}
	}
	for _, l := range lock.Gadgets {
		ref, err := l.Reference()
		if err != nil {
			return err
		}
		if err := show.Line(g.Stdout, "%s", ref); err != nil {
			return err
		}
	}
	return nil
}

// admission is what decides about artifacts.
type admission struct {
	trust  artifact.TrustFlags
	client *registry.Client // nil where none is used
}

// admit checks a gadget whose signatures are in blobs against the policy. Nothing is
// remembered: what "run" verifies later is what came along.
func admit(g *cli.Globals, a admission, l lockfile.Gadget, blobs oci.Blobs) ([]sign.Signer, error) {
	ref, err := l.Reference()
	if err != nil {
		return nil, err
	}
	stateless := *g
	stateless.State = ""
	return artifact.AdmitSigned(&stateless, artifact.Admission{
		Trust: a.trust, Reference: ref, Digest: l.Digest, Place: l.Place(blobs), Here: a.client != nil && a.client.Here(ref),
	})
}
