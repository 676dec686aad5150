// Package manifest is the GadgetManifest action: it checks gadget.yaml against
// the object and writes the OCI manifest of one architecture.
package manifest

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/compat"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

const doc = "Checks a gadget's metadata against its object and writes the OCI manifest of one architecture."

// flags is the command line.
type flags struct {
	Directory  string            `required:"" help:"The gadget's directory."`
	BuildFile  string            `help:"The build.yaml; the directory's by default."`
	Input      []string          `sep:"none" help:"A file of the gadget; all in the directory by default. Repeatable."`
	GadgetYaml string            `help:"The gadget.yaml; the one that build.yaml names by default."`
	Arch       string            `required:"" help:"Architecture of the object, amd64 or arm64."`
	Object     string            `required:"" help:"The object; empty for a gadget without program."`
	Wasm       string            `help:"The wasm module; an empty file means none."`
	Btf        string            `help:"The btfgen layer; an empty file means none."`
	Label      map[string]string `mapsep:"none" help:"An annotation, key=value. Repeatable."`
	Lenient    bool              `help:"Only warn of what is wrong in the metadata."`
	Out        string            `required:"" help:"File for the manifest's descriptor, with the manifest inline."`
	OutConfig  string            `required:"" help:"File for the config blob."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("manifest", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("manifest", doc, &f, args, stdout); err != nil {
		return err
	}
	req, err := f.request(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	built, problems, err := assemble.Manifest(req)
	for _, p := range problems.Warnings() {
		fmt.Fprintf(stderr, "warning: %s\n", p)
	}
	if err != nil {
		return err
	}
	if err := warnOfBTF(req, stderr); err != nil {
		return err
	}
	data, err := assemble.EncodeDescriptor(built)
	if err != nil {
		return err
	}
	if err := action.WriteFile(f.OutConfig, built.Blobs[0].Data); err != nil {
		return err
	}
	return action.WriteFile(f.Out, data)
}

// warnOfBTF names the programs for which a btfgen layer is useless: they
// never load on a kernel without BTF of its own.
func warnOfBTF(req assemble.ManifestRequest, stderr io.Writer) error {
	if len(req.BTF) == 0 {
		return nil
	}
	problems, err := compat.Lint(req.Object)
	for _, p := range problems {
		fmt.Fprintf(stderr, "warning: %s\n", p)
	}
	return err
}

// request reads the files that the flags name.
func (f flags) request(epoch string) (assemble.ManifestRequest, error) {
	req := assemble.ManifestRequest{
		Directory:    assemble.Directory{Dir: f.Directory, BuildFile: f.BuildFile, Inputs: f.Input},
		MetadataFile: f.GadgetYaml,
		Labels:       f.Label,
		Lenient:      f.Lenient,
		Remedy:       "set strict_metadata = False to only warn of it",
	}
	var err error
	if req.Arch, err = arch.Parse(f.Arch); err != nil {
		return req, &tool.UsageError{Err: err}
	}
	if req.Created, err = assemble.ParseEpoch(epoch); err != nil {
		return req, err
	}
	for _, file := range []struct {
		name  string
		limit int64
		into  *[]byte
	}{{f.Object, gadget.MaxObject, &req.Object}, {f.Wasm, gadget.MaxWasm, &req.Wasm}, {f.Btf, gadget.MaxBTF, &req.BTF}} {
		if file.name == "" {
			continue
		}
		if *file.into, err = action.ReadFile(file.name, file.limit); err != nil {
			return req, fmt.Errorf("reading layer: %w", err)
		}
	}
	return req, nil
}
