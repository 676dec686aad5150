package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// gcPatience is how long GC waits for transfers and readers to end.
const gcPatience = 10 * time.Second

// Usage describes what one blob takes and who needs it.
type Usage struct {
	Digest    digest.Digest
	Size      int64
	MediaType string   // empty for a blob that nothing names
	Refs      []string // names that need it, sorted
}

// Swept is what GC removed, or with DryRun would remove.
type Swept struct {
	Blobs []Usage
	Files int // what broken transfers left
	Bytes int64
}

// GCOptions describe how GC works.
type GCOptions struct {
	// DryRun removes nothing.
	DryRun bool
	// Yield gives up at once, with ErrBusy, when the content is in use.
	Yield bool
	// Forget is asked, under the lock, which references to remove first.
	Forget func([]Ref) []string
}

// GC removes the content that no reference needs and what broken transfers
// left. It runs alone: it waits for transfers and readers to end, and is
// ErrBusy when they do not.
func (s *Store) GC(ctx context.Context, o GCOptions) (Swept, error) {
	patience := gcPatience
	if o.Yield {
		patience = 0
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	release, err := s.lock(wait, contentLock, exclusive)
	if err != nil {
		return Swept{}, err
	}
	defer release()
	return s.sweep(ctx, o)
}

func (s *Store) sweep(ctx context.Context, o GCOptions) (Swept, error) {
	refs, err := s.List()
	if err != nil {
		return Swept{}, fmt.Errorf("%w, repair it with \"gadget-run image fsck --repair\"", err)
	}
	if o.Forget != nil {
		gone := o.Forget(refs)
		if len(gone) > 0 && !o.DryRun {
			if err := s.apply(ctx, change{remove: gone}); err != nil {
				return Swept{}, err
			}
		}
		refs = slices.DeleteFunc(refs, func(r Ref) bool { return slices.Contains(gone, r.Name) })
	}
	usage, err := s.usage(ctx, refs)
	if err != nil {
		return Swept{}, err
	}
	var out Swept
	// Lists first: one that is left would name content that is gone, as soon as
	// its artifact has a name again.
	if err := s.sweepReferrers(refs, &out, o.DryRun); err != nil {
		return out, err
	}
	for _, u := range usage {
		if len(u.Refs) > 0 {
			continue
		}
		out.Blobs = append(out.Blobs, u)
		out.Bytes += u.Size
		if o.DryRun {
			continue
		}
		if err := os.Remove(s.blobPath(ocispec.Descriptor{Digest: u.Digest})); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, fmt.Errorf("removing blob %s: %w", u.Digest, err)
		}
	}
	err = s.sweepTmp(&out, o.DryRun)
	return out, err
}

// sweepTmp removes what is in tmp: a process that writes there holds the content
// lock, so all of it was left by processes that are gone.
func (s *Store) sweepTmp(out *Swept, dryRun bool) error {
	entries, err := os.ReadDir(s.path(tmpDir))
	if err != nil {
		return fmt.Errorf("collecting the store: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		out.Files++
		out.Bytes += info.Size()
		if dryRun {
			continue
		}
		if err := os.Remove(s.path(tmpDir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Usage lists every blob of the store with the references that need it,
// sorted by digest.
func (s *Store) Usage(ctx context.Context) ([]Usage, error) {
	release, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	refs, err := s.List()
	if err != nil {
		return nil, err
	}
	return s.usage(ctx, refs)
}

// usage marks, from every reference, the blobs that are here.
func (s *Store) usage(ctx context.Context, refs []Ref) ([]Usage, error) {
	entries, err := os.ReadDir(s.path(blobsDir))
	if err != nil {
		return nil, fmt.Errorf("listing the store: %w", err)
	}
	all := make([]Usage, 0, len(entries))
	at := make(map[digest.Digest]int, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		d := digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(e.Name()))
		if d.Validate() != nil {
			continue
		}
		at[d] = len(all)
		all = append(all, Usage{Digest: d, Size: info.Size()})
	}
	for _, r := range refs {
		mark := func(d ocispec.Descriptor) {
			if i, here := at[d.Digest]; here {
				all[i].MediaType = d.MediaType
				all[i].Refs = append(all[i].Refs, r.Name)
			}
		}
		if err := s.markAll(ctx, r, mark); err != nil {
			return nil, fmt.Errorf("%s: %w, repair the store with \"gadget-run image fsck --repair\"", r.Name, err)
		}
	}
	return all, nil
}

// markAll calls visit for everything that is here of r and of what refers to it.
func (s *Store) markAll(ctx context.Context, r Ref, visit func(ocispec.Descriptor)) error {
	seen := map[digest.Digest]bool{}
	if err := s.mark(ctx, r.Target, seen, visit); err != nil {
		return err
	}
	all, err := s.Referrers(r.Target.Digest)
	if err != nil {
		return err
	}
	for _, more := range all {
		if err := s.mark(ctx, more.Target, seen, visit); err != nil {
			return err
		}
	}
	return nil
}

// mark calls visit for d and everything that is here below it.
func (s *Store) mark(ctx context.Context, d ocispec.Descriptor, seen map[digest.Digest]bool,
	visit func(ocispec.Descriptor),
) error {
	if seen[d.Digest] {
		return nil
	}
	seen[d.Digest] = true
	visit(d)
	if !oci.IsManifest(d.MediaType) {
		return nil
	}
	data, err := oci.ReadBlob(ctx, s, d, oci.MaxManifest)
	if errors.Is(err, oci.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := oci.ParseManifest(data)
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	for _, child := range m.Children() {
		if err := s.mark(ctx, child, seen, visit); err != nil {
			return err
		}
	}
	return nil
}

// Walk calls visit for everything that the store has of r and of what refers
// to it, each digest once.
func (s *Store) Walk(ctx context.Context, r Ref, visit func(ocispec.Descriptor)) error {
	return s.markAll(ctx, r, func(d ocispec.Descriptor) {
		if s.Has(d) {
			visit(d)
		}
	})
}
