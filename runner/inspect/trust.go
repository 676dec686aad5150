package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Limits of what inspect reads of the documents about an artifact.
const (
	MaxDocument  = 8 << 20
	maxDocuments = 64
)

// predicateAnnotation is where cosign declares what a bundle is about.
const predicateAnnotation = "dev.sigstore.bundle.predicateType"

// Trust is who signed an artifact, and the documents about it.
type Trust struct {
	// Signatures is how many there are; of a stored artifact those that came
	// with it, and those that were verified once.
	Signatures int `json:"signatures" yaml:"signatures"`
	// Signers made those that verify with the keys of the policy.
	Signers []sign.Signer `json:"signers,omitempty" yaml:"signers,omitempty"`
	// Documents refer to the artifact. Of an archive they are unknown.
	Documents []Document `json:"documents,omitempty" yaml:"documents,omitempty"`
}

// Document is a document that refers to the artifact: provenance, an SBOM.
type Document struct {
	Type   string `json:"type" yaml:"type"`
	Digest string `json:"digest" yaml:"digest"`
	// Summary is a summary of its content. Nothing proves it but the
	// registry, unless the document is signed itself.
	Summary string `json:"summary,omitempty" yaml:"summary,omitempty"`
}

// trust finds out who signed the artifact and what refers to it: from its
// registry, or of a stored one what is remembered.
func (a *Report) trust(g *cli.Globals, src *artifact.Source) error {
	var rule sign.Rule
	policy, err := sign.FindPolicy(g.Ctx, "", artifact.ConfigHome())
	if err != nil {
		g.Say("gadget-run: %v", err)
	} else if src.Reference == (registry.Reference{}) {
		rule = policy.RuleFor("", false)
	} else {
		rule = policy.RuleFor(src.Reference.Name(), false)
	}
	var found []sign.Signature
	if src.Place != nil {
		if found, err = sign.Find(g.Ctx, src.Place, src.Root.Digest); err != nil {
			return err
		}
		if err := a.documents(g, src); err != nil {
			return err
		}
	}
	if !src.Remote {
		record, err := sign.ReadRecord(g.State, src.Root.Digest)
		if err != nil {
			return err
		}
		found = together(found, record.Signatures)
	}
	a.Trust.Signatures = len(found)
	a.Trust.Signers, _ = sign.Signers(found, src.Root.Digest, rule.Verification(time.Now()))
	return nil
}

// together adds to all those of more that are not among them.
func together(all, more []sign.Signature) []sign.Signature {
	for _, s := range more {
		if !slices.ContainsFunc(all, func(have sign.Signature) bool {
			return have.Form == s.Form && have.Base64 == s.Base64 && bytes.Equal(have.Data, s.Data)
		}) {
			all = append(all, s)
		}
	}
	return all
}

// documents lists what refers to the artifact and is not a signature.
func (a *Report) documents(g *cli.Globals, src *artifact.Source) error {
	all, err := src.Place.Referrers(g.Ctx, src.Root.Digest)
	if err != nil {
		return err
	}
	for _, d := range all {
		if len(a.Trust.Documents) == maxDocuments {
			g.Say("gadget-run: more than %d documents refer to it, the others are not shown", maxDocuments)
			break
		}
		doc, err := document(g, src, d)
		if err != nil {
			return fmt.Errorf("reading what refers to %s: %w", src.Root.Digest, err)
		}
		if doc.Type != sign.SignPredicate {
			a.Trust.Documents = append(a.Trust.Documents, doc)
		}
	}
	return nil
}

func document(g *cli.Globals, src *artifact.Source, d ocispec.Descriptor) (Document, error) {
	m, err := oci.ReadImage(g.Ctx, src.Place, d)
	if err != nil {
		return Document{}, err
	}
	doc := Document{Type: m.ArtifactType, Digest: d.Digest.String()}
	if doc.Type == "" {
		doc.Type = m.Config.MediaType
	}
	if predicate := m.Annotations[predicateAnnotation]; predicate != "" {
		doc.Type = predicate
		return doc, nil
	}
	if len(m.Layers) != 1 {
		return doc, nil
	}
	summarize := map[string]func([]byte) string{
		attest.StatementMediaType: func(data []byte) string { return aboutStatement(data, src.Root) },
		attest.SPDXMediaType:      aboutSPDX,
	}[m.Layers[0].MediaType]
	if summarize == nil {
		return doc, nil
	}
	data, err := oci.ReadBlob(g.Ctx, src.Place, m.Layers[0], MaxDocument)
	if err != nil {
		return doc, err
	}
	doc.Summary = summarize(data)
	return doc, nil
}

// aboutStatement summarizes an in-toto statement. One about another artifact
// is worth nothing here.
func aboutStatement(data []byte, root ocispec.Descriptor) string {
	var s struct {
		Subject []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		PredicateType string `json:"predicateType"`
		Predicate     struct {
			Definition struct {
				Dependencies []json.RawMessage `json:"resolvedDependencies"`
			} `json:"buildDefinition"`
			Run struct {
				Builder struct {
					ID string `json:"id"`
				} `json:"builder"`
			} `json:"runDetails"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return "damaged"
	}
	about := false
	for _, sub := range s.Subject {
		about = about || sub.Digest[root.Digest.Algorithm().String()] == root.Digest.Encoded()
	}
	switch {
	case !about:
		return "about another artifact"
	case s.PredicateType == attest.ProvenancePredicate:
		return fmt.Sprintf("provenance: built by %s from %d inputs", s.Predicate.Run.Builder.ID,
			len(s.Predicate.Definition.Dependencies))
	}
	return s.PredicateType
}

// aboutSPDX summarizes how much an SPDX document lists.
func aboutSPDX(data []byte) string {
	var s struct {
		Version  string            `json:"spdxVersion"`
		Packages []json.RawMessage `json:"packages"`
		Files    []json.RawMessage `json:"files"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return "damaged"
	}
	return fmt.Sprintf("SBOM (%s): %d packages, %d files", s.Version, len(s.Packages), len(s.Files))
}

// print writes what people read.
func (t Trust) print(p *textPrinter) {
	for _, s := range t.Signers {
		p.line("Signed by:    %s", s.String())
	}
	switch {
	case len(t.Signers) > 0:
	case t.Signatures == 0:
		p.line("Signed by:    no signature is known")
	default:
		p.line("Signed by:    none that the policy trusts (signatures: %d)", t.Signatures)
	}
	var rows [][]string
	for _, d := range t.Documents {
		rows = append(rows, []string{
			strings.TrimPrefix(d.Type, "application/"), d.Digest[:min(len(d.Digest), len("sha256:")+12)], d.Summary,
		})
	}
	p.table("Documents", []string{"TYPE", "DIGEST", "SUMMARY"}, rows)
}
