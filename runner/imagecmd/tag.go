package imagecmd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Tag is "image tag".
type Tag struct {
	Src string `arg:"" name:"src" help:"Reference in the store, or the beginning of a digest."`
	Dst string `arg:"" name:"dst" help:"New name."`
}

// Run names what SRC stands for DST too.
func (t *Tag) Run(g *cli.Globals) error {
	dst, err := parseRef(t.Dst)
	if err != nil {
		return err
	}
	if dst.Digest != "" {
		return cli.Usage(fmt.Errorf("the new name %q has a digest, leave it out", t.Dst))
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

// Remove is "image rm".
type Remove struct {
	Image []string `arg:"" name:"ref" help:"References in the store, or beginnings of digests."`
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
		ref, err := find(s, text)
		if err != nil {
			return err
		}
		names = append(names, ref.Name)
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

// find returns the reference that the user means: a name, or the beginning of
// a digest that only one artifact has.
func find(s *store.Store, text string) (store.Ref, error) {
	ref, parseErr := parseRef(text)
	if parseErr == nil {
		r, err := lookup(s, ref)
		if err == nil {
			return r, nil
		}
		if !digestPrefix.MatchString(text) {
			return r, err
		}
	} else if !digestPrefix.MatchString(text) {
		return store.Ref{}, parseErr
	}
	return findDigest(s, text)
}

// findDigest returns the first name of the one artifact whose digest starts
// so.
func findDigest(s *store.Store, prefix string) (store.Ref, error) {
	refs, err := s.List()
	if err != nil {
		return store.Ref{}, err
	}
	var found []store.Ref
	for _, r := range refs {
		if hasDigestPrefix(r.Target.Digest.String(), prefix) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return store.Ref{}, notHere(s, prefix)
	case found[0].Target.Digest != found[len(found)-1].Target.Digest:
		return store.Ref{}, fmt.Errorf("several artifacts have a digest that starts with %q, write more of it", prefix)
	case len(found) > 1:
		return store.Ref{}, fmt.Errorf("%q has %d names, write one of them: %s and %s are two", prefix, len(found), found[0].Name, found[1].Name)
	}
	return found[0], nil
}

// digestPrefix is what may be the beginning of a digest.
var digestPrefix = regexp.MustCompile(`^(?:sha256:)?[0-9a-f]{6,64}$`)

func hasDigestPrefix(digest, prefix string) bool {
	return strings.HasPrefix(digest, prefix) || strings.HasPrefix(digest, "sha256:"+prefix)
}

func notHere(s *store.Store, text string) error {
	return fmt.Errorf("%s is not in the store %q: %w", text, s.Dir(), oci.ErrNotFound)
}
