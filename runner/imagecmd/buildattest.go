package imagecmd

import (
	"context"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// isSource reports whether a file can be a gadget's source, as the rules have
// it too: files of Bazel, texts and tests are none.
func isSource(name string) bool {
	return name != "BUILD" && name != "BUILD.bazel" && !strings.HasSuffix(name, ".md") &&
		!strings.HasSuffix(name, "_test.go")
}

// attestation is a document that a build writes about its result.
type attestation struct {
	registry.Document
	write func(attest.Build) ([]byte, error)
	file  string // in the cache, next to the result
}

// attestations are the documents that the action GadgetAttest writes too, still
// without content.
func attestations() []attestation {
	return []attestation{
		{registry.Document{MediaType: attest.StatementMediaType}, attest.Provenance, "provenance.json"},
		{registry.Document{MediaType: attest.SPDXMediaType}, attest.SBOM, "sbom.spdx.json"},
	}
}

func documentsOf(all []attestation) []registry.Document {
	var out []registry.Document
	for _, a := range all {
		out = append(out, a.Document)
	}
	return out
}

// putDocuments keeps documents about root in the store.
func putDocuments(ctx context.Context, s *store.Store, root ocispec.Descriptor, docs []registry.Document) error {
	from := oci.Memory{}
	var all []store.Referrer
	for _, doc := range docs {
		blobs, d, err := registry.ReferrerManifest(root, doc)
		if err != nil {
			return err
		}
		maps.Copy(from, blobs)
		all = append(all, store.Referrer{Target: d})
	}
	return s.PutReferrers(ctx, from, root.Digest, all)
}

// attest records what the artifact was built from: every file of the directory, the
// headers, the packages of the compiler, the archives.
func (b *Build) attest(req assemble.ImageRequest, res assemble.ImageResult) ([]registry.Document, error) {
	abs, err := filepath.Abs(b.Path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(abs)
	made := attest.Build{
		Name: name, Target: name, Subject: res.Root.Digest, Params: map[string]string{}, Created: req.Created,
	}
	archs := slices.Sorted(maps.Keys(res.Objects))
	for _, a := range archs {
		made.Archs = append(made.Archs, a.String())
	}
	for _, key := range slices.Sorted(maps.Keys(req.Labels)) {
		made.Params["label:"+key] = req.Labels[key]
	}
	m := &materials{}
	m.tree(attest.Source, name, b.Path)
	if b.File != "" {
		m.file(attest.Source, path.Join(name, filepath.Base(b.File)), b.File)
	}
	b.headers(m, req, res)
	b.compiler(m)
	b.archives(m, archs)
	if m.err != nil {
		return nil, m.err
	}
	made.Materials = m.all
	all := attestations()
	for i, a := range all {
		if all[i].Data, err = a.write(made); err != nil {
			return nil, err
		}
	}
	return documentsOf(all), nil
}

// headers adds those that belong to no package: ours and vmlinux.h, or of the
// machine's own those that the compiler read.
func (b *Build) headers(m *materials, req assemble.ImageRequest, res assemble.ImageResult) {
	for _, a := range slices.Sorted(maps.Keys(res.Objects)) {
		include := req.Toolchains[a].SystemIncludes
		if !b.Local {
			m.tree(attest.Source, "gadgets/include", include[0])
			m.tree(attest.Source, a.String(), include[len(include)-1])
			continue
		}
		for _, file := range res.Read[a] {
			if name, ok := headerName(file, slices.Concat(b.Include, include)); ok {
				m.file(attest.Source, path.Join(a.String(), name), file)
			}
		}
	}
}

// headerName is the name of a header below the first directory that it is in, so
// that it does not depend on its location.
func headerName(file string, dirs []string) (string, bool) {
	for _, dir := range dirs {
		if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel), true
		}
	}
	return "", false
}

// compiler adds the pinned packages, or the programs of the machine.
func (b *Build) compiler(m *materials) {
	if b.Local {
		programs, err := toolchain.Local{Getenv: os.Getenv}.Programs()
		m.fail(err)
		for name, file := range programs {
			m.file(attest.Compiler, name, file)
		}
		return
	}
	packages, err := toolchain.Pinned{Host: arch.Host()}.Packages()
	m.fail(err)
	for _, p := range packages {
		m.all = append(m.all, attest.Material{
			Kind: attest.Compiler, Name: p.Name, Version: p.Version, URI: p.Path,
			Digest: digest.NewDigestFromEncoded(digest.SHA256, p.SHA256),
		})
	}
}

// archives adds those for one of archs.
func (b *Build) archives(m *materials, archs []arch.Arch) {
	if b.BTF == "" {
		return
	}
	all, err := btfhub.List(b.BTF)
	m.fail(err)
	for _, a := range all {
		if slices.Contains(archs, a.Kernel.Arch) {
			m.file(attest.Archive, btfhub.ArchivePath(a.Kernel), a.Path)
		}
	}
}

// materials collects inputs and keeps the first error.
type materials struct {
	all []attest.Material
	err error
}

func (m *materials) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// file adds a file under a name that does not depend on its location.
func (m *materials) file(kind attest.Kind, name, file string) {
	if m.err != nil {
		return
	}
	if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
		return // a dangling link or a directory; nothing was read of it
	}
	f, err := action.Open(file)
	if err != nil {
		m.err = err
		return
	}
	defer f.Close()
	d, err := digest.FromReader(io.LimitReader(f, maxInputBytes))
	m.fail(err)
	m.all = append(m.all, attest.Material{Kind: kind, Name: name, Digest: d})
}

// tree adds every file below dir.
func (m *materials) tree(kind attest.Kind, name, dir string) {
	m.fail(filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case err != nil || d.IsDir() || !isSource(d.Name()):
			return err
		}
		rel, err := filepath.Rel(dir, file)
		m.file(kind, name+"/"+strings.ReplaceAll(rel, string(filepath.Separator), "/"), file)
		return err
	}))
}
