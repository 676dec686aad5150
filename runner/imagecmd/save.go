package imagecmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The values of --format of Save.
const (
	formatOCI    = "oci"
	formatDocker = "docker"
)

// stdoutFile is the name of stdout where a file is expected.
const stdoutFile = "-"

// Save is "image save".
type Save struct {
	Image  []string `arg:"" name:"ref" help:"References in the store. A path after them (/..., ./..., *.tar) is the file, as ig has it."`
	Format string   `enum:"oci,docker" default:"oci" help:"oci: a tar of an OCI layout. docker: what \"docker load\" reads, with the gadget's files in one layer."`
	Output string   `short:"o" placeholder:"PATH" help:"File to write, or an existing directory for an OCI layout directory (default: stdout)."`
}

// Run writes the artifacts. The file appears when it is complete.
func (c *Save) Run(g *cli.Globals) error {
	if last := len(c.Image) - 1; last > 0 && c.Output == "" && isPath(c.Image[last]) {
		c.Image, c.Output = c.Image[:last], c.Image[last]
	}
	s, release, err := artifact.HoldStore(g)
	if err != nil {
		return err
	}
	defer release()
	var refs []store.Ref
	for _, text := range c.Image {
		found, err := artifact.FindAll(s, text)
		if err != nil {
			return pullFirst(err, text)
		}
		if len(found) > 1 { // which one the archive has is not for us to choose
			return artifact.SeveralNames(text, found)
		}
		refs = append(refs, found...)
	}
	if st, err := os.Stat(c.Output); err == nil && st.IsDir() {
		if c.Format != formatOCI {
			return cli.Usage(fmt.Errorf("%q is a directory, which only the format oci can be written to", c.Output))
		}
		return saveDirectory(g, s, refs, c.Output)
	}
	write := saveOCI
	if c.Format == formatDocker {
		write = saveDocker
	}
	return writeArchive(g, c.Output, func(w io.Writer) error { return write(g, s, refs, w) })
}

// writeArchive lets do write to the file, or to stdout unless a person
// sits there.
func writeArchive(g *cli.Globals, path string, do func(io.Writer) error) error {
	if path != "" && path != stdoutFile {
		return action.WriteStream(path, do)
	}
	if err := refuseTerminal(g); err != nil {
		return err
	}
	w := bufio.NewWriterSize(g.Stdout, 1<<20)
	return errors.Join(do(w), w.Flush())
}

func refuseTerminal(g *cli.Globals) error {
	if cli.IsTerminal(g.Stdout) {
		return cli.Usage(errors.New("refusing to write an archive to a terminal, name a file or redirect"))
	}
	return nil
}

// saveDocker writes the artifacts as docker reads them, with each
// architecture's files in one layer.
func saveDocker(g *cli.Globals, s *store.Store, refs []store.Ref, w io.Writer) error {
	var all []archive.NamedArtifact
	for _, r := range refs {
		all = append(all, archive.NamedArtifact{Root: r.Target, Ref: r.Name, Archs: r.Archs})
	}
	return archive.ExportDocker(g.Ctx, w, s, all)
}
