// Package attest writes the provenance and the SBOM of an artifact: the action
// GadgetAttest.
package attest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/attest"
)

const doc = "Writes the provenance and the SBOM of an artifact."

// flags are the command line of the action.
type flags struct {
	Name       string            `required:"" help:"Name of the gadget."`
	Target     string            `required:"" help:"Label of the target."`
	DigestFile string            `required:"" help:"File with the digest of the index."`
	Arch       []string          `help:"Architecture of the artifact."`
	Param      map[string]string `mapsep:"none" help:"Attribute that shapes the artifact, as KEY=VALUE."`
	Source     []string          `sep:"none" help:"Source of the gadget."`
	Compiler   []string          `sep:"none" help:"JSON list of the toolchain's packages: name, version, url, sha256."`
	Archive    []string          `sep:"none" help:"btfhub archive, as SHARD=PATH."`
	Provenance string            `required:"" help:"in-toto statement to write."`
	Sbom       string            `required:"" help:"SPDX document to write."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("attest", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("attest", doc, &f, args, stdout); err != nil {
		return err
	}
	made, err := describe(f)
	if err != nil {
		return err
	}
	for _, out := range []struct {
		path  string
		write func(attest.Build) ([]byte, error)
	}{{f.Provenance, attest.Provenance}, {f.Sbom, attest.SBOM}} {
		data, err := out.write(made)
		if err != nil {
			return err
		}
		if err := action.WriteFile(out.path, data); err != nil {
			return err
		}
	}
	return nil
}

// describe reads what the flags name.
func describe(f flags) (attest.Build, error) {
	created, err := assemble.ParseEpoch(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return attest.Build{}, err
	}
	subject, err := os.ReadFile(f.DigestFile)
	if err != nil {
		return attest.Build{}, fmt.Errorf("reading digest: %w", err)
	}
	b := attest.Build{
		Name: f.Name, Target: f.Target, Archs: f.Arch, Params: f.Param, Created: created,
		Subject: digest.Digest(strings.TrimSpace(string(subject))),
	}
	for _, source := range f.Source {
		if err := addFile(&b, attest.Source, nameInRepository(source), source); err != nil {
			return b, err
		}
	}
	for _, archive := range f.Archive {
		shard, file, ok := strings.Cut(archive, "=")
		if !ok {
			return b, fmt.Errorf("reading flag --archive: got %q, want SHARD=PATH", archive)
		}
		if err := addFile(&b, attest.Archive, path.Join(shard, path.Base(file)), file); err != nil {
			return b, err
		}
	}
	for _, list := range f.Compiler {
		if err := addPackages(&b, list); err != nil {
			return b, err
		}
	}
	return b, nil
}

// nameInRepository cuts off where Bazel put the repository of a file, which
// depends on who builds.
func nameInRepository(path string) string {
	if rest, ok := strings.CutPrefix(path, "external/"); ok {
		_, name, _ := strings.Cut(rest, "/")
		return name
	}
	return path
}

// addFile adds the file at path as a material called name.
func addFile(b *attest.Build, kind attest.Kind, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", kind, err)
	}
	defer file.Close()
	d, err := digest.FromReader(file)
	if err != nil {
		return fmt.Errorf("reading %s %s: %w", kind, path, err)
	}
	b.Materials = append(b.Materials, attest.Material{Kind: kind, Name: name, Digest: d})
	return nil
}

// addPackages adds the packages that the toolchain lists.
func addPackages(b *attest.Build, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading packages of the compiler: %w", err)
	}
	packages, err := attest.ParsePackages(attest.Compiler, data)
	if err != nil {
		return fmt.Errorf("reading packages of the compiler in %s: %w", path, err)
	}
	b.Materials = append(b.Materials, packages...)
	return nil
}
