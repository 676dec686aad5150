package imagecmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/lazyregexp"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Tag is "image tag".
type Tag struct {
	Src string `arg:"" name:"src" help:"Reference in the store, or the beginning of a digest."`
	Dst string `arg:"" name:"dst" help:"The new name."`
}

// Run names what SRC stands for DST too.
func (t *Tag) Run(g *cli.Globals) error {
	dst, err := parseTag(t.Dst)
	if err != nil {
		return err
	}
	s, err := openStore(g)
	if err != nil {
		return err
	}
	r, err := find(s, t.Src)
	if err != nil {
		return pullFirst(err, t.Src)
	}
	r, err = s.Tag(g.Ctx, r.Name, dst.String())
	if err != nil {
		return err
	}
	return success(g, "tagged with", pinned(dst, r.Target.Digest.String()))
}

// parseTag parses a name that the user gives to an artifact.
func parseTag(text string) (registry.Reference, error) {
	ref, err := parseRef(text)
	if err == nil && ref.Digest != "" {
		err = cli.Usage(fmt.Errorf("the new name %q has a digest, leave it out", text))
	}
	return ref, err
}

// Remove is "image rm".
type Remove struct {
	Image []string `arg:"" name:"ref" help:"References in the store, or beginnings of digests."`
	Force bool     `short:"f" help:"Remove all names of a digest, and pass over what is not there."`
}

// Run removes the names, then the content that has none left. Content that a
// pull of another process may need stays until the next time.
func (r *Remove) Run(g *cli.Globals) error {
	s, err := openStore(g)
	if err != nil {
		return err
	}
	var names []string
	for _, text := range r.Image {
		found, err := r.names(s, text)
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	if err := s.Untag(g.Ctx, names...); err != nil {
		return err
	}
	for _, name := range names {
		if err := result(g.Stdout, "Untagged: %s", name); err != nil {
			return err
		}
	}
	swept, err := s.GC(g.Ctx, store.GCOptions{Yield: true})
	if errors.Is(err, store.ErrBusy) {
		say(g, "The content stays for now: the store is in use. \"gadget-run image prune\" removes it later.")
		return nil
	}
	for _, b := range swept.Blobs {
		if err := result(g.Stdout, "Deleted: %s", b.Digest); err != nil {
			return err
		}
	}
	return err
}

// names are what text stands for. A digest stands for all its names, which only
// --force removes together.
func (r *Remove) names(s *store.Store, text string) ([]string, error) {
	found, err := findAll(s, text)
	if r.Force && errors.Is(err, oci.ErrNotFound) {
		return nil, nil
	}
	if err == nil && len(found) > 1 && !r.Force {
		err = fmt.Errorf("%w, or remove them all with --force", severalNames(text, found))
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

func severalNames(digest string, refs []store.Ref) error {
	return fmt.Errorf("%q has %d names, write one of them: %s and %s are two", digest, len(refs), refs[0].Name, refs[1].Name)
}

// find returns the reference that the user means: a name, or the beginning of
// a digest that only one artifact has, which stands for the first of its names.
func find(s *store.Store, text string) (store.Ref, error) {
	all, err := findAll(s, text)
	if err != nil {
		return store.Ref{}, err
	}
	return all[0], nil
}

// findAll returns all names of the artifact when text is a digest, else the one
// that text is.
func findAll(s *store.Store, text string) ([]store.Ref, error) {
	ref, err := parseRef(text)
	if err == nil {
		var r store.Ref
		if r, err = lookup(s, ref); err == nil {
			return []store.Ref{r}, nil
		}
	}
	if !digestPrefix.MatchString(text) {
		return nil, err
	}
	return findDigest(s, text)
}

// findDigest returns the names of the one artifact whose digest starts so.
func findDigest(s *store.Store, prefix string) ([]store.Ref, error) {
	refs, err := s.List()
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(refs, func(r store.Ref) bool { return !hasDigestPrefix(r.Target.Digest.String(), prefix) })
	if len(found) == 0 {
		return nil, notHere(s, prefix)
	}
	for _, r := range found {
		if r.Target.Digest != found[0].Target.Digest {
			return nil, fmt.Errorf("several artifacts have a digest that starts with %q, write more of it", prefix)
		}
	}
	return found, nil
}

// digestPrefix is what may be the beginning of a digest.
var digestPrefix = lazyregexp.New(`^(?:sha256:)?[0-9a-f]{6,64}$`)

func hasDigestPrefix(digest, prefix string) bool {
	return strings.HasPrefix(digest, prefix) || strings.HasPrefix(digest, "sha256:"+prefix)
}

func notHere(s *store.Store, text string) error {
	return fmt.Errorf("%s is not in the store %q: %w", text, s.Dir(), oci.ErrNotFound)
}
