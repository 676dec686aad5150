package imagecmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Load is "image load".
type Load struct {
	File  string `arg:"" optional:"" help:"Archive or layout directory, also as oci:PATH:NAME (default: stdin)."`
	Input string `short:"i" placeholder:"FILE" help:"The same, as docker has it."`
	Tag   string `short:"t" placeholder:"NAME" help:"Name for the artifact, where there is one (default: what the archive or the gadget is called)."`
}

// Run puts every artifact of the archive into the store, or the one that the
// path chooses.
func (l *Load) Run(g *cli.Globals) error {
	if l.File != "" && l.Input != "" {
		return cli.Usage(fmt.Errorf("the archive %q and --input=%s are mutually exclusive, use one", l.File, l.Input))
	}
	from, members, err := l.open(g)
	if err != nil {
		return err
	}
	defer from.Close()
	if len(members) == 0 {
		return errors.New("the archive holds no artifact")
	}
	if l.Tag != "" {
		if len(members) != 1 {
			return cli.Usage(fmt.Errorf("the archive has %d artifacts, --tag can name only one, choose it with oci:PATH:NAME",
				len(members)))
		}
		members[0].Name = l.Tag
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	for _, m := range members {
		if l.Tag == "" && (m.Name != "" || len(members) == 1) {
			m.Name = from.NameFor(g.Ctx, m)
		}
		if err := loadOne(g, s, from, m); err != nil {
			return err
		}
	}
	return nil
}

// open opens the archive and lists what is to be loaded. What is not spelled as
// a path is one all the same.
func (l *Load) open(g *cli.Globals) (*artifact.Archive, []artifact.Member, error) {
	text := cmp.Or(l.File, l.Input)
	if text == "" || text == "-" {
		path, remove, err := artifact.Spool(action.UntilDone(g.Ctx, g.Stdin))
		if err != nil {
			return nil, nil, err
		}
		defer remove() // open files stay readable
		from, err := artifact.OpenArchive(g.Ctx, path)
		if err != nil {
			return nil, nil, err
		}
		return from, from.Members, nil
	}
	n := artifact.ParsePath(text)
	from, err := artifact.OpenArchive(g.Ctx, n.Path)
	if err != nil {
		return nil, nil, err
	}
	if n.Member == "" && n.Digest == "" {
		return from, from.Members, nil
	}
	m, err := from.Select(n)
	if err != nil {
		from.Close()
	}
	return from, []artifact.Member{m}, err
}

func loadOne(g *cli.Globals, s *store.Store, from oci.Blobs, r artifact.Member) error {
	if r.Name == "" {
		return cli.Usage(errors.New("the archive does not name its artifact, pass --tag=NAME"))
	}
	ref, err := artifact.ParseNewName(r.Name)
	if wrong := (*cli.UsageError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w, pass --tag=NAME", err)
	}
	if err != nil {
		return err
	}
	archs, err := presentArchs(g.Ctx, from, r.Root)
	if err != nil {
		return err
	}
	release, err := s.Hold(g.Ctx) // what refers to it has no name before the artifact has
	if err != nil {
		return err
	}
	defer release()
	if err := s.PutReferrers(g.Ctx, from, r.Root.Digest, r.Referrers); err != nil {
		g.Say("gadget-run: not all signatures and documents of %s are kept: %v", ref, err)
	}
	if err := s.Put(g.Ctx, from, r.Root, artifact.StoredName(ref), archs); err != nil {
		return err
	}
	if err := sign.MarkLocal(g.State, r.Root.Digest); err != nil {
		return err
	}
	return success(g, "loaded", artifact.Pinned(ref, r.Root.Digest.String()))
}

// presentArchs returns the architectures of which an archive has the
// manifest: it may be that of one machine. Empty means all.
func presentArchs(ctx context.Context, from oci.Blobs, root ocispec.Descriptor) ([]arch.Arch, error) {
	idx, err := oci.ReadIndex(ctx, from, root)
	if err != nil {
		return nil, err
	}
	var present []arch.Arch
	missing := false
	for _, d := range idx.Manifests {
		_, err := oci.ReadBlob(ctx, from, d, oci.MaxManifest)
		switch {
		case errors.Is(err, oci.ErrNotFound):
			missing = true
		case err != nil:
			return nil, err
		case d.Platform != nil:
			if a, err := arch.Parse(d.Platform.Architecture); err == nil {
				present = append(present, a)
			}
		}
	}
	if !missing {
		return nil, nil
	}
	return present, nil
}
