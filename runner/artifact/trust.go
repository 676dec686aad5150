package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// TrustFlags are the flags of a command that runs artifacts: they specify who must
// have signed them.
type TrustFlags struct {
	VerifyImage bool      `default:"true" help:"Verify who signed the gadget; --verify-image=false runs it unverified."`
	PublicKeys  cli.Files `placeholder:"FILE" help:"Public keys (PEM) one of which must have signed the gadget, in place of the policy."`
	Policy      cli.File  `placeholder:"FILE" help:"Trust policy (default: /etc/gadget-run/policy.yaml, then the user's)."`
}

// Check returns an error for flags that contradict each other, or that name files
// which do not exist. It reads none: a file may be a pipe.
func (f TrustFlags) Check() error {
	if err := f.consistent(); err != nil {
		return err
	}
	if f.Policy != "" {
		if err := cli.CheckFile("--policy", string(f.Policy)); err != nil {
			return err
		}
	}
	for _, key := range f.PublicKeys {
		if isPEM(key) {
			continue
		}
		if err := cli.CheckFile("--public-keys", key); err != nil {
			return err
		}
	}
	return nil
}

// consistent returns an error for flags that contradict each other.
func (f TrustFlags) consistent() error {
	switch {
	case !f.VerifyImage && (len(f.PublicKeys) > 0 || f.Policy != ""):
		return cli.Usage(errors.New("--verify-image=false contradicts --public-keys and --policy, use one"))
	case len(f.PublicKeys) > 0 && f.Policy != "":
		return cli.Usage(errors.New("--public-keys and --policy are mutually exclusive, use one"))
	}
	return nil
}

// isPEM reports whether a value of --public-keys is a key, not the name of its file.
func isPEM(value string) bool { return strings.HasPrefix(strings.TrimSpace(value), "-----BEGIN ") }

// FindPolicy returns the policy of the flags, or else of the files.
func (f TrustFlags) FindPolicy(ctx context.Context) (*sign.Policy, error) {
	if len(f.PublicKeys) == 0 {
		return sign.FindPolicy(ctx, string(f.Policy), ConfigHome())
	}
	if err := f.consistent(); err != nil {
		return nil, err
	}
	keys, err := readPublicKeys(ctx, f.PublicKeys)
	if err != nil {
		return nil, err
	}
	return sign.KeysPolicy("--public-keys", keys), nil
}

// ConfigHome is the directory of the user's configuration.
func ConfigHome() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return dir
}

// readPublicKeys reads files of keys; a value may also be the PEM text itself.
func readPublicKeys(ctx context.Context, values []string) ([]sign.PublicKey, error) {
	var all []sign.PublicKey
	for _, v := range values {
		name, data := filepath.Base(v), []byte(v)
		if isPEM(v) {
			name = ""
		} else {
			var err error
			if data, err = action.ReadInput(ctx, v, sign.MaxKeyFile); err != nil {
				return nil, fmt.Errorf("reading public keys: %w", err)
			}
		}
		keys, err := sign.ParsePublicKeys(data, name)
		if err != nil {
			return nil, fmt.Errorf("reading public keys %q: %w", name, err)
		}
		all = append(all, keys...)
	}
	return all, nil
}

// Admission is a question whether an artifact may run.
type Admission struct {
	Trust    TrustFlags
	Registry RegistryFlags
	// Reference is the artifact's; the zero value means a path.
	Reference registry.Reference
	Digest    digest.Digest
	// Here reports whether the content comes from a registry of this machine.
	Here bool
	// Offline reports whether the registry must not be contacted.
	Offline bool
	// Place has the signatures, all of them, in place of the registry; nil for the
	// registry.
	Place sign.Place
	// Stored has the signatures that came with it; nil without any.
	Stored sign.Place

	client *registry.Client // nil makes one
}

// place is where the signatures are.
func (a Admission) place(g *cli.Globals) (sign.Place, error) {
	client := a.client
	if client == nil {
		var err error
		if client, err = a.Registry.Client(g); err != nil {
			return nil, err
		}
	}
	return PlaceOf(client, a.Reference), nil
}

// Admit returns nil when the artifact may run under the policy that holds, and
// reports on stderr who signed it.
func Admit(g *cli.Globals, a Admission) error {
	_, err := AdmitSigned(g, a)
	return err
}

// AdmitSigned is Admit that returns who signed the artifact.
func AdmitSigned(g *cli.Globals, a Admission) ([]sign.Signer, error) {
	local := a.Reference == registry.Reference{}
	if err := a.Trust.consistent(); err != nil || !a.Trust.VerifyImage {
		return nil, err
	}
	policy, err := a.Trust.FindPolicy(g.Ctx)
	if err != nil {
		return nil, err
	}
	q := sign.Request{Policy: policy, Digest: a.Digest, State: g.State, Stored: a.Stored, Here: a.Here}
	if !local {
		q.Name = a.Reference.Name()
	}
	switch {
	case a.Place != nil:
		q.Place = func() (sign.Place, error) { return a.Place, nil }
	case !local && !a.Offline:
		q.Place = func() (sign.Place, error) { return a.place(g) }
	}
	verdict, err := sign.Check(g.Ctx, q)
	if err != nil {
		return nil, withHint(err, local)
	}
	if verdict.Warning != "" {
		g.Say("gadget-run: %s", verdict.Warning)
	}
	if g.Verbose {
		for _, s := range verdict.Signers {
			g.Say("gadget-run: signed by %s", s)
		}
	}
	return verdict.Signers, nil
}

// withHint adds to a refusal what a person can do about it.
func withHint(err error, local bool) error {
	switch {
	case !sign.IsRefused(err):
		return err
	case local:
		return fmt.Errorf("%w, save it with its signatures (\"gadget-run image save\"), or pass --verify-image=false", err)
	}
	return fmt.Errorf("%w, trust its publisher's key with --public-keys=FILE or in %s, or run it unverified with "+
		"--verify-image=false",
		err, sign.SystemPolicy)
}

// place is a repository of a registry with what refers to its artifacts.
type place struct {
	*registry.Repository
	client *registry.Client
	ref    registry.Reference
}

// PlaceOf returns the place of ref at its registry.
func PlaceOf(client *registry.Client, ref registry.Reference) place {
	return place{client.Repository(ref), client, ref}
}

// ResolveTag implements sign.Place.
func (p place) ResolveTag(ctx context.Context, tag string) (ocispec.Descriptor, error) {
	ref := p.ref
	ref.Tag, ref.Digest = tag, ""
	return p.client.Resolve(ctx, ref)
}

// Referrers implements sign.Place.
func (p place) Referrers(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	return p.client.Referrers(ctx, p.ref, subject, "")
}
