package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// maxSyncs is how many artifacts Sync fetches at once.
const maxSyncs = 4

// Wanted is an artifact that a store is to have.
type Wanted struct {
	Name string
	Root ocispec.Descriptor
	// Archs are the architectures to have; empty means all.
	Archs []arch.Arch
	// Referrers are what is to be kept about the artifact.
	Referrers []Referrer
	// From is where what is not here is read.
	From oci.Blobs
}

// SyncResult describes what Sync changed.
type SyncResult struct {
	// Set are names that are new or refer to something else now, Removed those
	// that are gone; both are sorted.
	Set, Removed []string
}

// Sync sets the names of wanted to their artifacts and removes all other
// names that a Sync made before. Names that a person made stay, and stay theirs
// where they are wanted too. Names change together, once everything is here;
// on an error none has.
func (s *Store) Sync(ctx context.Context, wanted []Wanted) (SyncResult, error) {
	release, err := s.Hold(ctx)
	if err != nil {
		return SyncResult{}, err
	}
	defer release()
	fetched, err := s.fetchAll(ctx, wanted)
	if err != nil {
		return SyncResult{}, err
	}
	var out SyncResult
	err = s.apply(ctx, change{choose: func() ([]Ref, []string, error) {
		set, remove, err := s.chooseSynced(fetched)
		for _, r := range set {
			out.Set = append(out.Set, r.Name)
		}
		slices.Sort(out.Set)
		out.Removed = remove
		return set, remove, err
	}})
	return out, err
}

// Complete reports whether all of w is here, under any name.
func (s *Store) Complete(ctx context.Context, w Wanted) bool {
	whole := func(d ocispec.Descriptor, archs []arch.Arch) bool {
		p := newPlan(s, s, archs)
		return p.add(ctx, d, 0) == nil && p.missing() == nil
	}
	if !whole(w.Root, w.Archs) {
		return false
	}
	kept, err := s.Referrers(w.Root.Digest)
	return err == nil && !slices.ContainsFunc(w.Referrers, func(r Referrer) bool {
		listed := func(k Referrer) bool { return k.Tag == r.Tag && k.Target.Digest == r.Target.Digest }
		return !slices.ContainsFunc(kept, listed) || !whole(r.Target, nil)
	})
}

// fetchAll fetches the content of wanted and returns its references, which
// no reader finds yet.
func (s *Store) fetchAll(ctx context.Context, wanted []Wanted) ([]Ref, error) {
	refs := make([]Ref, len(wanted))
	var lists sync.Mutex // two names of one artifact have one list of referrers
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(maxSyncs)
	for i, w := range wanted {
		group.Go(func() error {
			complete := s.Complete(gctx, w)
			if complete {
				w.From = s
			}
			in, err := s.Begin(gctx, w.From, w.Root, w.Name, w.Archs)
			if err != nil {
				return err
			}
			refs[i] = in.ref
			if complete {
				return nil
			}
			if err := in.plan.take(gctx); err != nil {
				return fmt.Errorf("storing %s: %w", w.Name, err)
			}
			lists.Lock()
			defer lists.Unlock()
			return s.PutReferrers(gctx, w.From, w.Root.Digest, w.Referrers)
		})
	}
	return refs, group.Wait()
}

// chooseSynced compares the references that are to be with those that are.
func (s *Store) chooseSynced(wanted []Ref) (set []Ref, remove []string, err error) {
	refs, err := s.List()
	if err != nil {
		return nil, nil, fmt.Errorf("%w, repair it with \"gadget-run image fsck --repair\"", err)
	}
	have := map[string]Ref{}
	for _, r := range refs {
		have[r.Name] = r
	}
	for _, w := range wanted {
		before, exists := have[w.Name]
		delete(have, w.Name)
		if exists && before.Target.Digest == w.Target.Digest && before.Covers(w.Archs) {
			continue
		}
		w.Synced = !exists || before.Synced
		w.Stored = time.Now().UTC().Truncate(time.Second)
		set = append(set, w)
	}
	for name, r := range have {
		if r.Synced {
			remove = append(remove, name)
		}
	}
	slices.Sort(remove)
	return set, remove, nil
}
