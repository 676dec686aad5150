// Package attest writes what is known of how an artifact came to be: an in-toto
// statement with SLSA provenance, and an SPDX software bill of materials. Both
// are functions of their input alone: no clock, no host name, no random id.
package attest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
)

// Media types and predicate types of what this package writes.
const (
	// StatementMediaType is the media type of an in-toto statement.
	StatementMediaType = "application/vnd.in-toto+json"
	// SPDXMediaType is the media type of an SPDX document in JSON.
	SPDXMediaType = "application/spdx+json"
	// ProvenancePredicate is the predicate type of SLSA provenance, version 1.
	ProvenancePredicate = "https://slsa.dev/provenance/v1"
)

// Kind describes what part a material had in the build.
type Kind string

// The kinds of materials.
const (
	Source   Kind = "source"   // a file of the gadget's directory
	Compiler Kind = "compiler" // a package of the toolchain
	Archive  Kind = "archive"  // a btfhub archive
	Module   Kind = "module"   // a Go module that is linked in; its digest is the h1 of go.sum
	Package  Kind = "package"  // a package whose files are in the artifact
)

// Material is one input of a build.
type Material struct {
	Kind    Kind
	Name    string        // path in the workspace, or name of a package
	Version string        // of a package, else empty
	URI     string        // where a package can be had, else empty
	Digest  digest.Digest // sha256 of its bytes, or of its files' hashes for a Module
}

// Commit is a git commit.
type Commit struct {
	ID  string // hexadecimal
	URI string // of the repository and the tag, in the form of SPDX: git+https://HOST/PATH@TAG
}

// Build is what is known of one build.
type Build struct {
	Name      string            // of the gadget or file
	Version   string            // of a release, else empty
	Type      string            // last part of the build type; empty is "gadget_image"
	Target    string            // label of the target
	Subject   digest.Digest     // digest of the artifact's index, or of the file
	Archs     []string          // GOARCH names
	Params    map[string]string // attributes that shape the artifact
	Commit    Commit            // of the sources; the zero value where they are not known to be of one
	Created   time.Time         // SOURCE_DATE_EPOCH, else the epoch
	Materials []Material
}

// validate refuses a Build whose statement would say nothing.
func (b Build) validate() error {
	if err := b.Subject.Validate(); err != nil {
		return fmt.Errorf("subject %q: %w", b.Subject, err)
	}
	if len(b.Materials) == 0 && b.Commit.ID == "" {
		return errors.New("no materials: an artifact comes from something")
	}
	for _, m := range b.Materials {
		if err := m.Digest.Validate(); err != nil {
			return fmt.Errorf("digest of material %q: %w", m.Name, err)
		}
	}
	return nil
}

// sorted returns the materials by kind, name and digest, each once.
func (b Build) sorted() []Material {
	all := slices.Clone(b.Materials)
	slices.SortFunc(all, func(x, y Material) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Digest, y.Digest))
	})
	return slices.Compact(all)
}
