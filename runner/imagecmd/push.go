package imagecmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Push is "image push".
type Push struct {
	Image []string `arg:"" name:"ref" help:"References in the store; each is pushed to its registry."`
	artifact.RegistryFlags
	Platform     []string `placeholder:"linux/ARCH" help:"Push only these platforms, as an artifact with its own digest (default: all)."`
	AllPlatforms bool     `help:"Push all platforms, as it is done without --platform."`
	DryRun       bool     `help:"Print what would be uploaded, upload nothing."`
}

// Run pushes the artifacts under their own names, several at once, and prints
// them in the order of the arguments.
func (p *Push) Run(g *cli.Globals) error {
	archs, err := p.archs()
	if err != nil {
		return err
	}
	group, together := atOnce(g, len(p.Image))
	s, release, err := artifact.HoldStore(g)
	if err != nil {
		return err
	}
	defer release()
	client, err := p.Client(together)
	if err != nil {
		return err
	}
	jobs := make([]*pushing, len(p.Image))
	for i, text := range p.Image { // nothing is pushed when one is not here
		if jobs[i], err = p.plan(together, s, text, archs); err != nil {
			return err
		}
	}
	for _, j := range jobs {
		group.Go(func() error { return j.run(together, client) })
	}
	err = group.Wait()
	for _, j := range jobs {
		if j.done {
			err = errors.Join(err, j.report(g))
		}
	}
	return err
}

// pushing is the push of one artifact.
type pushing struct {
	ref     registry.Reference
	request registry.PushRequest
	done    bool
	result  registry.PushResult
}

// plan finds an artifact in the store with what refers to it.
func (p *Push) plan(g *cli.Globals, s *store.Store, text string, archs []arch.Arch) (*pushing, error) {
	ref, err := artifact.ParseReference(text)
	if err != nil {
		return nil, err
	}
	r, err := artifact.Lookup(s, ref)
	if err != nil {
		return nil, pullFirst(err, text)
	}
	root, blobs, err := onlyPlatforms(g, s, r.Target, archs)
	if err != nil {
		return nil, fmt.Errorf("pushing %s: %w", ref, err)
	}
	about, err := s.Referrers(r.Target.Digest)
	if err != nil {
		return nil, err
	}
	referrers := artifact.Referrers(g.Ctx, blobs, root, about) // of some platforms alone, what is about these
	q := registry.PushRequest{Blobs: blobs, Root: root, Referrers: referrers, Repository: ref, DryRun: p.DryRun}
	if ref.Tag != "" {
		q.Tags = []string{ref.Tag}
	}
	return &pushing{ref: ref, request: q}, nil
}

func (j *pushing) run(g *cli.Globals, client *registry.Client) (err error) {
	g.Say("Pushing %s...", j.ref)
	shown := artifact.StartProgress(g, j.ref.String())
	defer shown.End()
	q := j.request
	q.Blobs = shown.Watch(q.Blobs)
	j.result, err = client.Push(g.Ctx, q)
	j.done = err == nil
	return err
}

// report prints what was pushed.
func (j *pushing) report(g *cli.Globals) error {
	if referrers := len(j.request.Referrers); referrers > 0 && !j.request.DryRun {
		g.Say("%d signature%s and documents belong to it", referrers, show.Plural(referrers))
	}
	return pushed(g, "pushed", j.ref, j.result)
}

// archs are the platforms to push; empty means all.
func (p *Push) archs() ([]arch.Arch, error) {
	if p.AllPlatforms && len(p.Platform) > 0 {
		return nil, cli.Usage(errors.New("--platform and --all-platforms are mutually exclusive, use one"))
	}
	if len(p.Platform) == 0 {
		return nil, nil
	}
	return artifact.PlatformFlags{Platform: p.Platform}.Archs()
}

// pushed reports what an upload did.
func pushed(g *cli.Globals, verb string, ref registry.Reference, res registry.PushResult) error {
	done := "everything is there already, nothing uploaded"
	if !res.Unchanged() {
		done = fmt.Sprintf("%d uploaded (%s), %d mounted, %d already there", res.Uploaded, show.Size(res.Bytes), res.Mounted,
			res.Existing)
	}
	if res.DryRun {
		g.Say("Dry run: %s", done)
		return show.Line(g.Stdout, "%s", artifact.Pinned(ref, res.Digest))
	}
	g.Say("%s", strings.ToUpper(done[:1])+done[1:])
	return success(g, verb, artifact.Pinned(ref, res.Digest))
}

// pullFirst adds the hint to the error that something is not in the store.
func pullFirst(err error, text string) error {
	if errors.Is(err, oci.ErrNotFound) {
		return fmt.Errorf("%w, see \"gadget-run image list\", or pull it with \"gadget-run image pull %s\"", err, text)
	}
	return err
}
