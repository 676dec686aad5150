package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// release makes the files of a release.
type release struct {
	tree    tree
	builder builder
	key     *sign.PrivateKey
}

// file is one of a release.
type file struct {
	name string // slash-separated, below the release's directory
	data []byte
}

// make writes the files into dir.
func (r *release) make(ctx context.Context, dir string) error {
	files, err := r.source(ctx)
	if err != nil {
		return err
	}
	for _, arch := range archs {
		made, err := r.programs(ctx, arch)
		if err != nil {
			return err
		}
		files = append(files, made...)
	}
	lock, err := r.toolsLock(files)
	if err != nil {
		return err
	}
	files = append(files, lock)
	container, err := r.image(ctx)
	if err != nil {
		return err
	}
	files = append(files, container...)
	files = append(files, file{"NOTES.md", []byte(r.tree.notes)})
	signed, err := r.checksums(files)
	if err != nil {
		return err
	}
	for _, f := range append(files, signed...) {
		if err := write(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file; programs are executable.
func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if bytes.HasPrefix(data, []byte("\x7fELF")) {
		mode = 0o755
	}
	if err := os.WriteFile(name, data, mode); err != nil {
		return err
	}
	return os.Chmod(name, mode)
}

// source makes the archive of what is committed, with its provenance and the
// entry of a module registry.
func (r *release) source(ctx context.Context) ([]file, error) {
	prefix := strings.TrimSuffix(r.tree.archiveName(), ".tar.gz") + "/"
	// The mode of files depends on a setting of git, what is left out on another.
	tar, err := r.tree.git(ctx, "-c", "tar.umask=0022", "-c", "core.attributesFile=/dev/null", "archive", "--format=tar",
		"--prefix="+prefix, r.tree.commit)
	if err != nil {
		return nil, err
	}
	archive, err := action.Gzip(tar)
	if err != nil {
		return nil, err
	}
	name := r.tree.archiveName()
	provenance, err := attest.Provenance(r.about(name, "", archive))
	if err != nil {
		return nil, err
	}
	entry, err := r.tree.registryFiles(archive)
	return append(entry, file{name, archive}, file{name + ".provenance.json", provenance}), err
}

// programs makes the programs for an architecture, with SBOM and provenance.
func (r *release) programs(ctx context.Context, arch string) ([]file, error) {
	built, err := r.builder.build(ctx, r.tree, arch)
	if err != nil {
		return nil, err
	}
	var files []file
	for i, p := range programs {
		name := p.file(arch)
		about := r.about(name, p.label(), built[i])
		about.Archs = []string{arch}
		about.Params = map[string]string{"config": "release"}
		if about.Materials, err = r.builder.materials(ctx, r.tree, p, arch); err != nil {
			return nil, err
		}
		provenance, err := attest.Provenance(about)
		if err != nil {
			return nil, err
		}
		sbom, err := attest.SBOM(about)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, built[i]}, file{name + ".provenance.json", provenance},
			file{name + ".spdx.json", sbom})
	}
	return files, nil
}

// about is what is known of a file of the release.
func (r *release) about(name, target string, data []byte) attest.Build {
	return attest.Build{
		Name: name, Version: r.tree.version, Type: "release", Target: target,
		Subject: digest.FromBytes(data), Created: r.tree.time,
		Commit: attest.Commit{ID: r.tree.commit, URI: fmt.Sprintf("git+%s@%s", homepage, r.tree.tag())},
	}
}

// checksums returns the list of the files' hashes, as sha256sum reads it, its
// signature and the key that verifies it.
func (r *release) checksums(files []file) ([]file, error) {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%s  %s\n", digest.FromBytes(f.data).Encoded(), f.name)
	}
	signature, err := sign.SignBlob(sums.Bytes(), r.key)
	if err != nil {
		return nil, err
	}
	public, err := r.key.Public.PEM()
	return []file{{"SHA256SUMS", sums.Bytes()}, {"SHA256SUMS.sig", signature}, {"release.pub", public}}, err
}
