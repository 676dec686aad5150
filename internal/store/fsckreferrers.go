package store

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// referrers checks the lists of what refers to an artifact, and that all of it
// is here. Those of artifacts without a name are not a problem: GC removes them.
func (f *fsck) referrers(ctx context.Context) error {
	roots, err := f.store.referrerRoots()
	if err != nil {
		return err
	}
	refs, _ := f.store.List()
	for _, root := range roots {
		if !slices.ContainsFunc(refs, func(r Ref) bool { return r.Target.Digest == root }) {
			continue
		}
		if err := f.checkReferrers(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

func (f *fsck) checkReferrers(ctx context.Context, root digest.Digest) error {
	name := referrersFile(root)
	all, err := f.store.Referrers(root)
	if err != nil {
		return f.found(Problem{Path: name, Text: err.Error(), Fix: "remove the list, pull the artifact again"}, func() error {
			return os.Remove(f.store.path(name))
		})
	}
	for _, r := range all {
		err := f.complete(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		p := Problem{
			Path: name, Text: fmt.Sprintf("%s: %v", r.Target.Digest, err), Fix: "leave it out, pull the artifact again",
		}
		err = f.found(p, func() error {
			return f.store.changeReferrers(ctx, root, func(all []Referrer) []Referrer {
				return slices.DeleteFunc(all, func(x Referrer) bool { return x.Target.Digest == r.Target.Digest })
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// complete checks that all of a referrer is here.
func (f *fsck) complete(ctx context.Context, r Referrer) error {
	p := newPlan(f.store, oci.Memory{}, nil)
	if err := p.add(ctx, r.Target, 0); err != nil {
		return err
	}
	return p.missing()
}
