package attest

import (
	"cmp"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	builderID     = "https://github.com/rules-gadget/rules_gadget"
	// defaultType is the build type of an artifact.
	defaultType = "gadget_image"
)

// The JSON of an in-toto statement, version 1, with SLSA provenance, version 1
// (slsa.dev/spec/v1.0/provenance).
type statement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     provenance   `json:"predicate"`
}

type descriptor struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string         `json:"buildType"`
	ExternalParameters   map[string]any `json:"externalParameters"`
	ResolvedDependencies []descriptor   `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder struct {
		ID string `json:"id"`
	} `json:"builder"`
}

// Provenance returns the in-toto statement of b as JSON.
func Provenance(b Build) ([]byte, error) {
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("writing provenance: %w", err)
	}
	s := statement{
		Type:          statementType,
		Subject:       []descriptor{{Name: b.Name, Digest: digestSet(Material{Digest: b.Subject})}},
		PredicateType: ProvenancePredicate,
	}
	def := &s.Predicate.BuildDefinition
	// The build type names the shape of the external parameters.
	def.BuildType = builderID + "/" + cmp.Or(b.Type, defaultType) + "/v1"
	def.ExternalParameters = map[string]any{}
	if b.Target != "" {
		def.ExternalParameters["target"] = b.Target
	}
	if len(b.Archs) > 0 {
		def.ExternalParameters["archs"] = b.Archs
	}
	for key, value := range b.Params {
		def.ExternalParameters[key] = value
	}
	if b.Commit.ID != "" {
		def.ResolvedDependencies = append(def.ResolvedDependencies,
			descriptor{URI: b.Commit.URI, Digest: map[string]string{"gitCommit": b.Commit.ID}})
	}
	for _, m := range b.sorted() {
		note := map[string]string{"kind": string(m.Kind)}
		if m.Version != "" {
			note["version"] = m.Version
		}
		def.ResolvedDependencies = append(def.ResolvedDependencies,
			descriptor{Name: m.Name, URI: m.URI, Digest: digestSet(m), Annotations: note})
	}
	s.Predicate.RunDetails.Builder.ID = builderID
	return action.JSON(s)
}

// digestSet returns in-toto's form of a digest.
func digestSet(m Material) map[string]string {
	if m.Kind == Module {
		return map[string]string{"dirHash": m.Digest.Encoded()}
	}
	return map[string]string{m.Digest.Algorithm().String(): m.Digest.Encoded()}
}
