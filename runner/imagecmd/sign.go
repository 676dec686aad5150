package imagecmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// passwordEnv holds the password of a private key, as for cosign.
const passwordEnv = "COSIGN_PASSWORD"

// keyFromEnv begins the value of --key that names an environment variable.
const keyFromEnv = "env://"

// bothForms is the value of --format that writes every form.
const bothForms = "both"

// Sign is "image sign".
type Sign struct {
	Image string `arg:"" name:"ref" help:"Reference in a registry; what is signed is its digest."`
	artifact.RegistryFlags
	Key         string            `required:"" placeholder:"FILE" help:"Private key in PEM, or env://VARIABLE; COSIGN_PASSWORD has its password."`
	Format      string            `enum:"both,bundle,tag" default:"both" help:"Format of the signature: bundle (cosign 3), tag (cosign 2) or both."`
	Annotations map[string]string `short:"a" name:"annotation" placeholder:"KEY=VALUE" help:"Signed along in the form of cosign 2."`
}

// Run signs what the reference resolves to and puts the signature next to it.
func (s *Sign) Run(g *cli.Globals) error {
	ref, err := artifact.ParseReference(s.Image)
	if err != nil {
		return err
	}
	key, err := s.privateKey(g)
	if err != nil {
		return fmt.Errorf("reading the key %q: %w", s.Key, err)
	}
	client, err := s.Client(g)
	if err != nil {
		return err
	}
	root, err := client.Resolve(g.Ctx, ref)
	if err != nil {
		return err
	}
	job := signing{g: g, key: key, ref: ref, root: root, client: client, annotations: s.Annotations}
	if err := job.run(s.forms()); err != nil {
		return fmt.Errorf("signing %s: %w", ref.Pinned(root.Digest.String()), err)
	}
	return show.Line(g.Stdout, "%s", artifact.Pinned(ref, root.Digest.String()))
}

func (s *Sign) forms() []sign.Form {
	if s.Format == bothForms {
		return []sign.Form{sign.FormTag, sign.FormBundle}
	}
	return []sign.Form{sign.Form(s.Format)}
}

func (s *Sign) privateKey(g *cli.Globals) (*sign.PrivateKey, error) {
	var data []byte
	if name, ok := strings.CutPrefix(s.Key, keyFromEnv); ok {
		if data = []byte(os.Getenv(name)); len(data) == 0 {
			return nil, errors.New("the environment variable is not set")
		}
	} else {
		var err error
		if data, err = action.ReadInput(g.Ctx, s.Key, sign.MaxKeyFile); err != nil {
			return nil, err
		}
	}
	return sign.ParsePrivateKey(data, func() ([]byte, error) {
		if password, ok := os.LookupEnv(passwordEnv); ok {
			return []byte(password), nil
		}
		password, err := askSecret(g, "Password of the key: ")
		var usage *cli.UsageError
		if errors.As(err, &usage) {
			err = cli.Usage(fmt.Errorf("the key has a password, set %s", passwordEnv))
		}
		return []byte(password), err
	})
}

// signing is one "image sign" under way.
type signing struct {
	g           *cli.Globals
	key         *sign.PrivateKey
	ref         registry.Reference
	root        ocispec.Descriptor
	client      *registry.Client
	annotations map[string]string
}

// run writes each form that is not there already.
func (j *signing) run(forms []sign.Form) error {
	existing, err := sign.Find(j.g.Ctx, artifact.PlaceOf(j.client, j.ref), j.root.Digest)
	if err != nil {
		return err
	}
	signers, _ := sign.Signers(existing, j.root.Digest, sign.Verification{Keys: []sign.PublicKey{j.key.Public}})
	for _, form := range forms {
		if hasForm(signers, form) && len(j.annotations) == 0 {
			j.g.Say("%s is signed with this key already, as a %s", j.ref, form)
			continue
		}
		if err := j.write(form); err != nil {
			return err
		}
		j.g.Say("Signed %s with key %s, as a %s", j.ref.Pinned(j.root.Digest.String()), j.key.Public, form)
	}
	return nil
}

func hasForm(signers []sign.Signer, form sign.Form) bool {
	for _, s := range signers {
		if s.Form == form {
			return true
		}
	}
	return false
}

func (j *signing) write(form sign.Form) error {
	s, err := sign.New(form, j.root.Digest, j.ref.Name(), j.annotations, j.key)
	if err != nil {
		return err
	}
	ctx := j.g.Ctx
	if form == sign.FormBundle {
		_, err := j.client.Attach(ctx, j.ref, j.root, registry.Document{
			ArtifactType: sign.BundleMediaType, MediaType: sign.BundleMediaType,
			Data: s.Data, Annotations: sign.BundleAnnotations(),
		})
		return err
	}
	at := j.ref
	at.Tag, at.Digest = sign.Tag(j.root.Digest), ""
	return j.client.ExtendTag(ctx, at, func(ctx context.Context) (oci.Blobs, ocispec.Descriptor, error) {
		return sign.TagManifest(ctx, artifact.PlaceOf(j.client, j.ref), j.root.Digest, s)
	})
}
