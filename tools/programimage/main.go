// Command programimage is the ProgramImage action: it writes the container image
// of one program for several architectures, with its provenance and its SBOM.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/programimage"
)

const doc = "Writes the container image of a program, its provenance and its SBOM."

// Limits of what is read, in bytes.
const (
	maxProgram = 256 << 20
	maxText    = 4 << 20
)

// flags is the command line.
type flags struct {
	Program     []string          `required:"" sep:"none" help:"The program for one architecture, as ARCH=FILE. Repeatable."`
	Path        string            `required:"" help:"Path of the program in the image, without a slash before it."`
	Certificate []string          `sep:"none" help:"PEM file with certificates to trust. Repeatable."`
	Package     []string          `sep:"none" help:"JSON list of the packages that the certificates are from: name, version, url, sha256. Repeatable."`
	Label       map[string]string `mapsep:"none" help:"Label of the image, as KEY=VALUE. Repeatable."`
	Status      string            `help:"Bazel's stable-status.txt, for the commit."`
	Version     string            `help:"Version of the program."`
	Name        string            `required:"" help:"Name of the image in provenance and SBOM."`
	Target      string            `required:"" help:"Label of the target."`
	Go          string            `required:"" help:"The go command of the SDK that compiled the program."`
	GoSum       string            `required:"" help:"The go.sum of the program's module."`
	Out         string            `required:"" help:"Layout directory to write."`
	DigestFile  string            `required:"" help:"File for the digest of the index."`
	Provenance  string            `required:"" help:"in-toto statement to write."`
	Sbom        string            `required:"" help:"SPDX document to write."`
}

func main() { os.Exit(tool.Main("programimage", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("programimage", doc, &f, args, stdout); err != nil {
		return err
	}
	programs, err := readPrograms(f.Program)
	if err != nil {
		return err
	}
	commit, err := f.commit()
	if err != nil {
		return err
	}
	created, err := assemble.ParseEpoch(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	root, err := f.image(programs, commit, created)
	if err != nil {
		return err
	}
	made, err := f.describe(programs, root, commit)
	if err != nil {
		return err
	}
	made.Created = created
	documents := map[string]func(attest.Build) ([]byte, error){f.Provenance: attest.Provenance, f.Sbom: attest.SBOM}
	for out, write := range documents {
		data, err := write(made)
		if err != nil {
			return err
		}
		if err := action.WriteFile(out, data); err != nil {
			return err
		}
	}
	return action.WriteFile(f.DigestFile, []byte(root.Digest.String()+"\n"))
}

// readPrograms reads the files of --program.
func readPrograms(list []string) (map[arch.Arch][]byte, error) {
	programs := map[arch.Arch][]byte{}
	for _, text := range list {
		name, file, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("reading flag --program: got %q, want ARCH=FILE", text)
		}
		a, err := arch.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("reading flag --program: %w", err)
		}
		if programs[a], err = action.ReadFile(file, maxProgram); err != nil {
			return nil, fmt.Errorf("reading program: %w", err)
		}
	}
	return programs, nil
}

// commit is that of a release; it is empty in other builds.
func (f flags) commit() (string, error) {
	if f.Status == "" {
		return "", nil
	}
	text, err := action.ReadFile(f.Status, maxText)
	if err != nil {
		return "", fmt.Errorf("reading workspace status: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == "STABLE_GIT_COMMIT" {
			return value, nil
		}
	}
	return "", nil
}

// image writes the layout and returns the descriptor of its index.
func (f flags) image(programs map[arch.Arch][]byte, commit string, created time.Time) (ocispec.Descriptor, error) {
	req := programimage.Request{Programs: programs, Path: f.Path, Labels: map[string]string{}, Created: created.UTC()}
	for key, value := range f.Label {
		req.Labels[key] = value
	}
	for key, value := range map[string]string{ocispec.AnnotationVersion: f.Version, ocispec.AnnotationRevision: commit} {
		if value != "" {
			req.Labels[key] = value
		}
	}
	for _, name := range f.Certificate {
		data, err := action.ReadFile(name, maxText)
		if err != nil {
			return ocispec.Descriptor{}, fmt.Errorf("reading certificate: %w", err)
		}
		req.Certificates = append(req.Certificates, data)
	}
	image, err := programimage.Build(req)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return image.Root, oci.WriteLayout(f.Out, image.Root, image.Blobs)
}
