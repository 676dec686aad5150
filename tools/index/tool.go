// Package index is the GadgetIndex action: it writes the OCI layout of a
// gadget from the manifests of its architectures and the blobs they name.
package index

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

const doc = "Writes the OCI layout of a gadget from its manifests and blobs."

// flags is the command line.
type flags struct {
	Manifest   []string `required:"" sep:"none" help:"What the manifest tool wrote for one architecture. Repeatable."`
	Blob       []string `sep:"none" help:"A file that a manifest names: object, wasm, btf, config. Repeatable."`
	Out        string   `required:"" help:"Layout directory to write."`
	DigestFile string   `help:"File for the digest of the index."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("index", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("index", doc, &f, args, stdout); err != nil {
		return err
	}
	manifests := []oci.Blob{}
	for _, name := range f.Manifest {
		// Base64 makes the inline manifest a third longer.
		data, err := action.ReadFile(name, 2*gadget.MaxManifest)
		if err != nil {
			return fmt.Errorf("reading manifest: %w", err)
		}
		m, err := assemble.DecodeDescriptor(data)
		if err != nil {
			return fmt.Errorf("reading manifest %q: %w", name, err)
		}
		manifests = append(manifests, m)
	}
	root, err := assemble.WriteIndex(f.Out, manifests, f.Blob)
	if err != nil || f.DigestFile == "" {
		return err
	}
	return action.WriteFile(f.DigestFile, []byte(root.Digest.String()+"\n"))
}
