// Package lockfile has the two files that give many nodes the same gadgets: the
// list that a person writes, and the lock file that is made from it. A lock file
// names every byte that a node needs by digest, signatures included, so that a
// node contacts no registry to resolve a name or to list the referrers of an artifact.
package lockfile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/internal/strictyaml"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// Limits of both files; MaxFile is in bytes.
const (
	version      = 1
	MaxFile      = 2 << 20
	maxGadgets   = 1000
	maxKeys      = 32
	maxPlatforms = 16
	maxSigners   = 64
)

const header = "# Written by \"gadget-run lock\". What is edited here is refused: edit the list and lock it again.\n"

// Lock is a lock file.
type Lock struct {
	Version int      `yaml:"version"`
	Gadgets []Gadget `yaml:"gadgets"` // sorted by name
	// Checksum is of all the above. It finds edits; it does not stop an attacker.
	Checksum digest.Digest `yaml:"checksum"`
}

// Gadget is one artifact of a lock file.
type Gadget struct {
	// Name is the whole reference.
	Name      string        `yaml:"name"`
	Digest    digest.Digest `yaml:"digest"`
	MediaType string        `yaml:"mediaType"`
	Size      int64         `yaml:"size"`
	// Platforms are for people who compare lock files.
	Platforms []Platform `yaml:"platforms,omitempty"`
	// Signers are those who had signed it, under the policy of the machine that wrote the lock file.
	Signers []Signer `yaml:"signers,omitempty"`
	// Referrers are its signatures and documents.
	Referrers []Referrer `yaml:"referrers,omitempty"`
}

// Platform is the manifest of one platform.
type Platform struct {
	Platform string        `yaml:"platform"`
	Digest   digest.Digest `yaml:"digest"`
}

// Signer is a key or an identity.
type Signer struct {
	Name    string `yaml:"name,omitempty"`
	Key     string `yaml:"key"`
	Subject string `yaml:"subject,omitempty"`
}

// Referrer is a manifest that belongs to an artifact.
type Referrer struct {
	Digest       digest.Digest `yaml:"digest"`
	MediaType    string        `yaml:"mediaType"`
	ArtifactType string        `yaml:"artifactType,omitempty"`
	Size         int64         `yaml:"size"`
	// Subject is what it refers to, unless that is the artifact itself: a
	// platform's manifest, or another referrer.
	Subject digest.Digest `yaml:"subject,omitempty"`
	// Tag is where cosign 2 keeps it, else empty.
	Tag string `yaml:"tag,omitempty"`
}

// Read reads a lock file.
func Read(ctx context.Context, path string) (Lock, error) {
	data, err := action.ReadInput(ctx, path, MaxFile)
	if err != nil {
		return Lock{}, fmt.Errorf("reading the lock file: %w", err)
	}
	l, err := Parse(data)
	if err != nil {
		return Lock{}, fmt.Errorf("reading the lock file %q: %w, write it again with \"gadget-run lock\"", path, err)
	}
	return l, nil
}

// Parse parses a lock file.
func Parse(data []byte) (Lock, error) {
	var l Lock
	if err := decode(data, strictyaml.Limits{Bytes: MaxFile, Elements: oci.MaxChildren, Keys: maxKeys}, &l); err != nil {
		return Lock{}, err
	}
	if len(l.Gadgets) > maxGadgets {
		return Lock{}, fmt.Errorf("it has %d gadgets, at most %d are allowed", len(l.Gadgets), maxGadgets)
	}
	for i, g := range l.Gadgets {
		if err := g.check(); err != nil {
			return Lock{}, fmt.Errorf("gadget %d (%q): %w", i+1, g.Name, err)
		}
		if i > 0 && g.Name <= l.Gadgets[i-1].Name {
			return Lock{}, fmt.Errorf("gadget %d (%q): it must come after %q", i+1, g.Name,
				l.Gadgets[i-1].Name)
		}
	}
	sum, err := l.sum()
	if err == nil && sum != l.Checksum {
		err = errors.New("its checksum does not match, so it was edited after it was written")
	}
	if err != nil {
		return Lock{}, err
	}
	return l, nil
}

// decode reads the one document of data, of which everything must be known. Another
// version is reported before what it has and this one does not.
func decode(data []byte, limits strictyaml.Limits, into any) error {
	doc, err := strictyaml.Parse(data, limits)
	if err != nil {
		return err
	}
	var first struct {
		Version *int `yaml:"version"`
	}
	if doc != nil {
		if err := doc.Decode(&first); err != nil {
			return err
		}
	}
	switch {
	case first.Version == nil:
		return fmt.Errorf("it has no version, only version %d is known", version)
	case *first.Version != version:
		return fmt.Errorf("version is %d, only version %d is known", *first.Version, version)
	}
	return strictyaml.Decode(data, limits, into)
}

func (g Gadget) check() error {
	ref, err := registry.ParseReference(g.Name, registry.Defaults{})
	switch {
	case err != nil:
		return err
	case artifact.StoredName(ref) != g.Name:
		return fmt.Errorf("its whole name is %q", artifact.StoredName(ref))
	case ref.Digest != "" && ref.Digest != g.Digest.String():
		return fmt.Errorf("its name has another digest than %s", g.Digest)
	case !oci.IsManifest(g.MediaType):
		return fmt.Errorf("mediaType %q is not that of an OCI manifest", g.MediaType)
	case g.Size < 1 || g.Size > oci.MaxManifest:
		return fmt.Errorf("size is %d, at most %d are allowed", g.Size, oci.MaxManifest)
	case len(g.Platforms) > oci.MaxChildren || len(g.Signers) > maxSigners || len(g.Referrers) > store.MaxReferrers:
		return fmt.Errorf("it has %d platforms, %d signers and %d referrers, at most %d, %d and %d are allowed",
			len(g.Platforms), len(g.Signers), len(g.Referrers), oci.MaxChildren, maxSigners, store.MaxReferrers)
	}
	if err := oci.CheckDigest(g.Digest); err != nil {
		return err
	}
	for _, p := range g.Platforms {
		if err := oci.CheckDigest(p.Digest); err != nil {
			return fmt.Errorf("platform %q: %w", p.Platform, err)
		}
	}
	for _, r := range g.StoreReferrers() {
		if err := r.Check(g.Digest); err != nil {
			return err
		}
	}
	return nil
}

// Root is the descriptor of the artifact.
func (g Gadget) Root() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: g.MediaType, Digest: g.Digest, Size: g.Size}
}

// Reference is the gadget's name with its digest.
func (g Gadget) Reference() (registry.Reference, error) {
	ref, err := registry.ParseReference(g.Name, registry.Defaults{})
	ref.Digest = g.Digest.String()
	return ref, err
}

// StoreReferrers are the referrers as a store takes them.
func (g Gadget) StoreReferrers() []store.Referrer {
	all := make([]store.Referrer, len(g.Referrers))
	for i, r := range g.Referrers {
		all[i] = store.Referrer{Tag: r.Tag, Subject: cmp.Or(r.Subject, g.Digest), Target: ocispec.Descriptor{
			MediaType: r.MediaType, ArtifactType: r.ArtifactType, Digest: r.Digest, Size: r.Size,
		}}
	}
	return all
}

// SignedBy names the signers, for people.
func (g Gadget) SignedBy() string {
	var all []string
	for _, s := range g.Signers {
		text := s.Key
		if s.Subject != "" {
			text = s.Subject
		}
		if s.Name != "" {
			text = s.Name + " (" + text + ")"
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "no one"
	}
	return strings.Join(all, ", ")
}

// Find returns the gadget that ref, as the user wrote it, names.
func (l Lock) Find(ref registry.Reference) (Gadget, bool) {
	i := slices.IndexFunc(l.Gadgets, func(g Gadget) bool {
		return g.Name == artifact.StoredName(ref) && (ref.Digest == "" || ref.Digest == g.Digest.String())
	})
	if i < 0 {
		return Gadget{}, false
	}
	return l.Gadgets[i], true
}

// Has reports whether one of the gadgets has the digest.
func (l Lock) Has(d digest.Digest) bool {
	return slices.ContainsFunc(l.Gadgets, func(g Gadget) bool { return g.Digest == d })
}

// Format is the reverse of Parse: it sorts the gadgets and sets version and
// checksum.
func (l Lock) Format() ([]byte, error) {
	l.Version = version
	l.Gadgets = slices.Clone(l.Gadgets)
	slices.SortFunc(l.Gadgets, func(a, b Gadget) int { return strings.Compare(a.Name, b.Name) })
	var err error
	if l.Checksum, err = l.sum(); err != nil {
		return nil, err
	}
	data, err := l.marshal()
	if err == nil && len(data) > MaxFile {
		err = fmt.Errorf("the lock file would have more than %d bytes, split the list", MaxFile)
	}
	return data, err
}

func (l Lock) sum() (digest.Digest, error) {
	l.Checksum = ""
	data, err := l.marshal()
	return digest.FromBytes(data), err
}

func (l Lock) marshal() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := errors.Join(e.Encode(l), e.Close())
	return b.Bytes(), err
}
