package attest

import (
	"fmt"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// The JSON of an SPDX document, version 2.3 (spdx.github.io/spdx-spec/v2.3).
type spdxDocument struct {
	SPDXID            string             `json:"SPDXID"`
	Version           string             `json:"spdxVersion"`
	DataLicense       string             `json:"dataLicense"`
	Name              string             `json:"name"`
	Namespace         string             `json:"documentNamespace"`
	CreationInfo      spdxCreation       `json:"creationInfo"`
	DocumentDescribes []string           `json:"documentDescribes"`
	Packages          []spdxPackage      `json:"packages"`
	Files             []spdxFile         `json:"files,omitempty"`
	Relationships     []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxPackage struct {
	SPDXID           string         `json:"SPDXID"`
	Name             string         `json:"name"`
	Version          string         `json:"versionInfo,omitempty"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	Purpose          string         `json:"primaryPackagePurpose,omitempty"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxFile struct {
	SPDXID           string         `json:"SPDXID"`
	Name             string         `json:"fileName"`
	Checksums        []spdxChecksum `json:"checksums"`
	LicenseConcluded string         `json:"licenseConcluded"`
	CopyrightText    string         `json:"copyrightText"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const (
	noAssertion = "NOASSERTION"
	artifactID  = "SPDXRef-Artifact"
)

// SBOM returns the SPDX document of b as JSON: the artifact as a package, the
// sources as files it is generated from, compilers and archives as packages it
// was built with, Go modules as packages that are linked into it, and packages
// whose files it contains.
func SBOM(b Build) ([]byte, error) {
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("writing SBOM: %w", err)
	}
	doc := spdxDocument{
		SPDXID:            "SPDXRef-DOCUMENT",
		Version:           "SPDX-2.3",
		DataLicense:       "CC0-1.0",
		Name:              b.Name,
		Namespace:         builderID + "/spdx/" + b.Subject.Encoded(),
		CreationInfo:      spdxCreation{b.Created.UTC().Format(time.RFC3339), []string{"Tool: rules_gadget"}},
		DocumentDescribes: []string{artifactID},
	}
	artifact := newPackage(artifactID, Material{Name: b.Name, Version: b.Version, Digest: b.Subject})
	artifact.Purpose = "APPLICATION"
	doc.Packages = append(doc.Packages, artifact)
	for i, m := range b.sorted() {
		doc.add(fmt.Sprintf("SPDXRef-%s-%d", m.Kind, i), m)
	}
	return action.JSON(doc)
}

// add puts one material into the document under id.
func (d *spdxDocument) add(id string, m Material) {
	if m.Kind == Source {
		d.Files = append(d.Files, spdxFile{id, "./" + m.Name, checksums(m), noAssertion, noAssertion})
		d.Relationships = append(d.Relationships, spdxRelationship{artifactID, "GENERATED_FROM", id})
		return
	}
	d.Packages = append(d.Packages, newPackage(id, m))
	relation := spdxRelationship{id, "BUILD_TOOL_OF", artifactID}
	switch m.Kind {
	case Archive:
		relation = spdxRelationship{id, "DATA_FILE_OF", artifactID}
	case Module:
		relation = spdxRelationship{artifactID, "STATIC_LINK", id}
	case Package:
		relation = spdxRelationship{artifactID, "CONTAINS", id}
	}
	d.Relationships = append(d.Relationships, relation)
}

func newPackage(id string, m Material) spdxPackage {
	location := m.URI
	if location == "" {
		location = noAssertion
	}
	p := spdxPackage{
		SPDXID: id, Name: m.Name, Version: m.Version, DownloadLocation: location,
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
	}
	if m.Kind == Module { // SPDX has no checksum for the files of a directory
		p.ExternalRefs = []spdxRef{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.Name + "@" + m.Version}}
	} else {
		p.Checksums = checksums(m)
	}
	return p
}

func checksums(m Material) []spdxChecksum {
	return []spdxChecksum{{strings.ToUpper(m.Digest.Algorithm().String()), m.Digest.Encoded()}}
}
