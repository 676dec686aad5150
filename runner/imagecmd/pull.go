package imagecmd

import (
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Pull is "image pull".
type Pull struct {
	Image []string `arg:"" name:"ref" help:"References: [registry/][repository/]name[:tag][@digest]."`
	artifact.RegistryFlags
	artifact.PlatformFlags
}

// maxTransfers is how many references are pulled or pushed at once.
const maxTransfers = 4

// atOnce returns what runs n transfers, several at once, and what they take for
// g: they end with the first that fails, and write whole lines.
func atOnce(g *cli.Globals, n int) (*errgroup.Group, *cli.Globals) {
	group, ctx := errgroup.WithContext(g.Ctx)
	group.SetLimit(maxTransfers)
	together := *g
	together.Ctx = ctx
	if n > 1 { // one alone has the terminal to itself, and shows a bar
		together.Stderr = struct{ io.Writer }{g.Stderr}
	}
	return group, &together
}

// Run pulls the references, several at once, and prints them with their
// digests in the order of the arguments.
func (p *Pull) Run(g *cli.Globals) error {
	archs, err := p.Archs()
	if err != nil {
		return err
	}
	for _, text := range p.Image { // nothing is pulled when one is not a reference
		if _, err := artifact.ParseReference(text); err != nil {
			return err
		}
	}
	group, together := atOnce(g, len(p.Image))
	client, err := p.Client(together)
	if err != nil {
		return err
	}
	got := make([]artifact.Obtained, len(p.Image))
	for i, text := range p.Image {
		group.Go(func() (err error) {
			got[i], err = artifact.Obtain(together, artifact.Request{
				Reference: text, Policy: artifact.PullAlways, Archs: archs, Client: client,
			})
			return err
		})
	}
	err = group.Wait()
	for _, o := range got {
		if !o.Pulled {
			continue
		}
		if printErr := success(g, "pulled", artifact.Pinned(o.Reference, o.Root.Digest.String())); printErr != nil {
			return printErr
		}
	}
	return err
}

// success reports what was done, on stderr, and a script the
// pinned reference, on stdout. Where both go to the same person the
// reference is not repeated.
func success(g *cli.Globals, verb, ref string) error {
	g.Say("Successfully %s %s", verb, ref)
	if !g.Quiet && cli.IsTerminal(g.Stdout) && cli.IsTerminal(g.Stderr) {
		return nil
	}
	return show.Line(g.Stdout, "%s", ref)
}

// Copy is "image copy".
type Copy struct {
	Src string `arg:"" name:"src" help:"Reference or path to copy from."`
	Dst string `arg:"" name:"dst" help:"Reference to copy to; without a tag it is \"latest\"."`
	artifact.RegistryFlags
}

// Run copies all platforms and all that refers to the artifact, without the
// store.
func (c *Copy) Run(g *cli.Globals) error {
	src, err := artifact.ParseName(c.Src)
	if err != nil {
		return err
	}
	dst, err := artifact.ParseNewName(c.Dst)
	if err != nil {
		return err
	}
	client, err := c.Client(g)
	if err != nil {
		return err
	}
	var res registry.Copied
	if src.IsPath() {
		res, err = copyPath(g, client, src, dst)
	} else {
		res, err = client.Copy(g.Ctx, src.Reference, dst)
	}
	if err != nil {
		return err
	}
	if res.Referrers > 0 {
		g.Say("%d signature%s and documents copied along", res.Referrers, show.Plural(res.Referrers))
	}
	return pushed(g, "copied to", dst, res.PushResult)
}

// copyPath pushes the artifact of a layout or an archive.
func copyPath(
	g *cli.Globals, client *registry.Client, n artifact.Name, dst registry.Reference,
) (registry.Copied, error) {
	src, err := artifact.OpenPath(g.Ctx, n)
	if err != nil {
		return registry.Copied{}, err
	}
	defer src.Release()
	q := registry.PushRequest{
		Blobs: src.Blobs, Root: src.Root, Repository: dst, Referrers: artifact.Referrers(g.Ctx, src.Blobs, src.Root,
			src.Referrers),
	}
	if dst.Tag != "" {
		q.Tags = []string{dst.Tag}
	}
	res, err := client.Push(g.Ctx, q)
	return registry.Copied{PushResult: res, Referrers: len(q.Referrers)}, err
}
