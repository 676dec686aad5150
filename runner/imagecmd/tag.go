package imagecmd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Tag is "image tag".
type Tag struct {
	Src string `arg:"" name:"src" help:"Reference in the store, or a digest prefix."`
	Dst string `arg:"" name:"dst" help:"The new name."`
}

// Run adds the name DST to what SRC refers to.
func (t *Tag) Run(g *cli.Globals) error {
	dst, err := parseTag(t.Dst)
	if err != nil {
		return err
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	r, err := artifact.Find(s, t.Src)
	if err != nil {
		return pullFirst(err, t.Src)
	}
	r, err = s.Tag(g.Ctx, r.Name, dst.String())
	if err != nil {
		return err
	}
	return success(g, "tagged with", artifact.Pinned(dst, r.Target.Digest.String()))
}

// parseTag parses a name that the user gives to an artifact.
func parseTag(text string) (registry.Reference, error) {
	ref, err := artifact.ParseNewName(text)
	if err == nil && ref.Digest != "" {
		err = cli.Usage(fmt.Errorf("the new name %q has a digest, leave it out", text))
	}
	return ref, err
}

// Remove is "image rm".
type Remove struct {
	Image []string `arg:"" name:"ref" help:"References in the store, or digest prefixes."`
	Force bool     `short:"f" help:"Remove all names of a digest, and ignore names that do not exist."`
}

// Run removes the names, then the content that has none left. Content that a
// pull of another process may need stays until the next time.
func (r *Remove) Run(g *cli.Globals) error {
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	var names []string
	for _, text := range r.Image {
		found, err := r.names(s, text)
		if err != nil {
			return err
		}
		for _, name := range found {
			if !slices.Contains(names, name) { // two arguments may refer to one name
				names = append(names, name)
			}
		}
	}
	if err := s.Untag(g.Ctx, names...); err != nil {
		return err
	}
	for _, name := range names {
		if err := show.Line(g.Stdout, "Untagged: %s", name); err != nil {
			return err
		}
	}
	swept, err := s.GC(g.Ctx, store.GCOptions{Yield: true})
	if errors.Is(err, store.ErrBusy) {
		g.Say("The content stays for now: the store is in use. \"gadget-run image prune\" removes it later.")
		return nil
	}
	for _, b := range swept.Blobs {
		if err := show.Line(g.Stdout, "Deleted: %s", b.Digest); err != nil {
			return err
		}
	}
	return err
}

// names are the references that text matches. A digest matches all its names, which only
// --force removes together.
func (r *Remove) names(s *store.Store, text string) ([]string, error) {
	found, err := artifact.FindAll(s, text)
	if r.Force && errors.Is(err, oci.ErrNotFound) {
		return nil, nil
	}
	if errors.Is(err, oci.ErrNotFound) {
		return nil, fmt.Errorf("%w, see \"gadget-run image list\"", err)
	}
	if err == nil && len(found) > 1 && !r.Force {
		err = fmt.Errorf("%w, or remove them all with --force", artifact.SeveralNames(text, found))
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names, nil
}
