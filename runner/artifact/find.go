package artifact

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// StoredName is the name of ref in the store: by tag where there is one.
func StoredName(ref registry.Reference) string {
	if ref.Tag != "" {
		ref.Digest = ""
	}
	return ref.String()
}

// Lookup finds ref in the store. A digest is enforced: it is looked for under
// its own name, the tag's, and every other name of the repository.
func Lookup(s *store.Store, ref registry.Reference) (store.Ref, error) {
	r, err := s.Lookup(StoredName(ref))
	if err == nil && (ref.Digest == "" || r.Target.Digest.String() == ref.Digest) {
		return r, nil
	}
	if err != nil && !errors.Is(err, oci.ErrNotFound) || ref.Digest == "" {
		return store.Ref{}, err
	}
	refs, listErr := s.List()
	for _, r := range refs {
		have, err := registry.ParseReference(r.Name, registry.Defaults{})
		if err == nil && have.Name() == ref.Name() && r.Target.Digest.String() == ref.Digest {
			return r, nil
		}
	}
	return store.Ref{}, errors.Join(store.NotStored(ref, s.Dir()), listErr)
}

// Find returns the reference that the user means: a name, or the start of
// a digest that only one artifact has, which selects the first of its names.
func Find(s *store.Store, text string) (store.Ref, error) {
	all, err := FindAll(s, text)
	if err != nil {
		return store.Ref{}, err
	}
	return all[0], nil
}

// FindAll returns all names of the artifact when text is a digest, else the one
// that text is.
func FindAll(s *store.Store, text string) ([]store.Ref, error) {
	ref, err := ParseReference(text)
	if err == nil {
		var r store.Ref
		if r, err = Lookup(s, ref); err == nil {
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

// digestPrefix is what may be the start of a digest.
var digestPrefix = regexp.MustCompile(`^(?:sha256:)?[0-9a-f]{6,64}$`)

func hasDigestPrefix(digest, prefix string) bool {
	return strings.HasPrefix(digest, prefix) || strings.HasPrefix(digest, "sha256:"+prefix)
}

func notHere(s *store.Store, text string) error {
	return store.NotStored(text, s.Dir())
}

// Pinned is a reference with its tag and its digest.
func Pinned(ref registry.Reference, digest string) string {
	ref.Digest = digest
	return ref.String()
}

// SeveralNames is the error that one name was required and a digest has several.
func SeveralNames(digest string, refs []store.Ref) error {
	return fmt.Errorf("%q has %d names, write one of them: %s and %s are two", digest, len(refs), refs[0].Name,
		refs[1].Name)
}

// IsDigestPrefix reports whether text may be the start of a digest.
func IsDigestPrefix(text string) bool { return digestPrefix.MatchString(text) }
