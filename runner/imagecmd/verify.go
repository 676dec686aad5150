package imagecmd

import (
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Verify is "image verify".
type Verify struct {
	Image string `arg:"" name:"ref" help:"Reference in a registry, with --offline in the store, or a path."`
	artifact.RegistryFlags
	Offline bool      `help:"Verify the stored artifact with the stored signatures, without a request to a registry."`
	Key     cli.Files `aliases:"public-keys" placeholder:"FILE" help:"Public keys (PEM) one of which must have signed (default: the policy's)."`
	Policy  cli.File  `placeholder:"FILE" help:"Trust policy (default: /etc/gadget-run/policy.yaml, then the user's)."`
	Output  string    `short:"o" enum:"text,json,yaml" default:"text" help:"Format of the output: ${enum}."`
}

// Verified is what "image verify" prints.
type Verified struct {
	Reference string        `json:"reference" yaml:"reference"`
	Digest    string        `json:"digest" yaml:"digest"`
	Signers   []sign.Signer `json:"signers" yaml:"signers"`
	Policy    string        `json:"policy" yaml:"policy"`
}

// Run fails unless one of the keys signed what the reference resolves to. What
// it finds is remembered, so that the artifact runs without a network.
func (v *Verify) Run(g *cli.Globals) error {
	policy, err := artifact.TrustFlags{VerifyImage: true, PublicKeys: v.Key, Policy: v.Policy}.FindPolicy(g.Ctx)
	if err != nil {
		return err
	}
	src, err := v.find(g)
	if err != nil {
		return err
	}
	defer src.Release()
	q := sign.Request{
		Policy: policy, Digest: src.Root.Digest, State: g.State, Require: true,
		Place: func() (sign.Place, error) { return src.Place, nil },
	}
	if src.Reference != (registry.Reference{}) {
		q.Name = src.Reference.Name()
	}
	verdict, err := sign.Check(g.Ctx, q)
	var refused *sign.RefusedError
	if errors.As(err, &refused) && !policy.RuleFor(q.Name, false).Trusts() {
		return fmt.Errorf("verifying %s: no key is known for it, pass --key=FILE or write it into %s", src.Name,
			sign.SystemPolicy)
	}
	if errors.As(err, &refused) {
		return fmt.Errorf("verifying %s (%s): %s", src.Name, src.Root.Digest, refused.Reason)
	}
	if err != nil {
		return fmt.Errorf("verifying %s: %w", src.Name, err)
	}
	return v.print(g, Verified{
		Reference: src.Pinned(), Digest: src.Root.Digest.String(), Signers: verdict.Signers, Policy: policy.Source,
	})
}

// find returns the artifact and where its signatures are: with it in a path, in
// the store, or in its registry.
func (v *Verify) find(g *cli.Globals) (*artifact.Source, error) {
	if v.Offline {
		src, err := artifact.OpenHere(g, v.Image)
		return src, pullFirst(err, v.Image)
	}
	return artifact.Open(g, v.Image, v.RegistryFlags, true)
}

func (v *Verify) print(g *cli.Globals, out Verified) error {
	if v.Output != outputText {
		return show.Data(g.Stdout, v.Output, out)
	}
	for _, s := range out.Signers {
		g.Say("Signed by %s", s)
	}
	return show.Line(g.Stdout, "%s", out.Reference)
}
