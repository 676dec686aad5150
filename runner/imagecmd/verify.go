package imagecmd

import (
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Verify is "image verify".
type Verify struct {
	Image string `arg:"" name:"ref" help:"Reference in a registry, or with --offline in the store."`
	artifact.RegistryFlags
	Offline bool     `help:"Verify what the store has, with the signatures that came with it; no registry is asked."`
	Key     []string `aliases:"public-keys" placeholder:"FILE" help:"Public keys (PEM) one of which must have signed (default: the policy's)."`
	Policy  string   `placeholder:"FILE" help:"Trust policy (default: /etc/gadget-run/policy.yaml, then the user's)."`
	Output  string   `short:"o" enum:"text,json,yaml" default:"text" help:"Form of the output: ${enum}."`
}

// Verified is what "image verify" prints.
type Verified struct {
	Reference string        `json:"reference" yaml:"reference"`
	Digest    string        `json:"digest" yaml:"digest"`
	Signers   []sign.Signer `json:"signers" yaml:"signers"`
	Policy    string        `json:"policy" yaml:"policy"`
}

// Run fails unless one of the keys signed what the reference stands for. What
// it finds is remembered, so that the artifact runs where there is no network.
func (v *Verify) Run(g *cli.Globals) error {
	ref, err := artifact.ParseReference(v.Image)
	if err != nil {
		return err
	}
	policy, err := artifact.TrustFlags{PublicKeys: v.Key, Policy: v.Policy}.FindPolicy()
	if err != nil {
		return err
	}
	root, place, err := v.find(g, ref)
	if err != nil {
		return err
	}
	verdict, err := sign.Check(g.Ctx, sign.Request{
		Policy: policy, Name: ref.Name(), Digest: root.Digest, State: g.State, Require: true,
		Place: func() (sign.Place, error) { return place, nil },
	})
	var refused *sign.RefusedError
	if errors.As(err, &refused) && !policy.RuleFor(ref.Name()).Trusts() {
		return fmt.Errorf("verifying %s: no key is known for it, pass --key=FILE or write it into %s", ref, sign.SystemPolicy)
	}
	if errors.As(err, &refused) {
		return fmt.Errorf("verifying %s (%s): %s", ref, root.Digest, refused.Reason)
	}
	if err != nil {
		return fmt.Errorf("verifying %s: %w", ref, err)
	}
	out := Verified{Reference: artifact.Pinned(ref, root.Digest.String()), Digest: root.Digest.String(), Signers: verdict.Signers, Policy: policy.Source}
	return v.print(g, out)
}

// find returns what the reference stands for, and where its signatures lie.
func (v *Verify) find(g *cli.Globals, ref registry.Reference) (ocispec.Descriptor, sign.Place, error) {
	if v.Offline {
		s, err := artifact.OpenStore(g)
		if err != nil {
			return ocispec.Descriptor{}, nil, err
		}
		r, err := artifact.Lookup(s, ref)
		return r.Target, artifact.StoredPlace{Store: s, Root: r.Target.Digest}, pullFirst(err, v.Image)
	}
	client, err := v.Client(g)
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	root, err := client.Resolve(g.Ctx, ref)
	return root, artifact.PlaceOf(client, ref), err
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
