package artifact_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// admission is a registry with one artifact under the name
// registry.example/team/g:v1, and a machine that is to run it.
type admission struct {
	srv      *registrytest.Served
	artifact *registrytest.Artifact
	key      *sign.PrivateKey
	trust    artifact.TrustFlags
	state    string
	stderr   bytes.Buffer
}

const admittedName = "registry.example/team/g:v1"

func newAdmission(t *testing.T) *admission {
	t.Helper()
	a := &admission{srv: registrytest.NewServed(t), artifact: registrytest.NewArtifact(t, 7, 1000), state: t.TempDir()}
	a.srv.Add(a.artifact.Blobs...)
	a.srv.Tag("v1", a.artifact.Root)
	a.configure(t, fmt.Sprintf("[[registry]]\nprefix = \"registry.example\"\nlocation = %q\n", a.srv.Addr))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.key, err = sign.NewPrivateKey(secret); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(secret.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(t.TempDir(), "release.pub")
	if err := os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	a.trust = artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{public}}
	return a
}

// configure writes the machine's configuration of registries.
func (a *admission) configure(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GADGET_RUN_REGISTRIES", file)
}

// sign puts a signature of root into the registry.
func (a *admission) sign(t *testing.T, root ocispec.Descriptor) {
	t.Helper()
	s, err := sign.New(sign.FormBundle, root.Digest, "registry.example/team/g", nil, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.refer(t, root, registry.Document{
		MediaType: sign.BundleMediaType, Data: s.Data, Annotations: sign.BundleAnnotations(),
	})
}

// refer puts a document about root into the registry.
func (a *admission) refer(t *testing.T, root ocispec.Descriptor, doc registry.Document) ocispec.Descriptor {
	t.Helper()
	blobs, d, err := registry.ReferrerManifest(root, doc)
	if err != nil {
		t.Fatal(err)
	}
	for digest, data := range blobs {
		b := oci.NewBlob("application/octet-stream", data)
		if digest == d.Digest {
			b.MediaType = d.MediaType
		}
		a.srv.Add(b)
	}
	a.srv.Refer(root.Digest, d)
	return d
}

// obtain does what "run" does before it loads the gadget.
func (a *admission) obtain(t *testing.T, policy string) error {
	t.Helper()
	g := &cli.Globals{Ctx: t.Context(), State: a.state, Stdout: &bytes.Buffer{}, Stderr: cli.Serial(&a.stderr)}
	_, err := artifact.Obtain(g, artifact.Request{
		Reference: admittedName, Policy: policy, Archs: []arch.Arch{arch.AMD64}, Trust: &a.trust,
	})
	return err
}

// holdsNothing checks that nothing of an artifact came here.
func (a *admission) holdsNothing(t *testing.T) {
	t.Helper()
	if asked := a.srv.Seen(a.artifact.Layers[arch.AMD64].Digest.String()); len(asked) > 0 {
		t.Errorf("a layer was asked for: %q", asked)
	}
	for _, dir := range []string{"blobs/sha256", "refs", "tmp"} {
		if left, _ := filepath.Glob(filepath.Join(a.state, "store", dir, "*")); len(left) > 0 {
			t.Errorf("the store holds %q", left)
		}
		if left, _ := filepath.Glob(filepath.Join(a.state, dir, "*")); len(left) > 0 {
			t.Errorf("the state directory holds %q", left)
		}
	}
}

func TestRefusedBeforePull(t *testing.T) {
	answer := func(status int, part string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, part) {
				return false
			}
			http.Error(w, "made up", status)
			return true
		}
	}
	for name, tc := range map[string]struct {
		prepare func(*testing.T, *admission)
		want    string
	}{
		"not signed": {
			func(*testing.T, *admission) {}, "is refused by --public-keys: it is not signed, trust its publisher's key",
		},
		"no key is known": {
			func(_ *testing.T, a *admission) { a.trust.PublicKeys = nil },
			"no key is known, trust its publisher's key with --public-keys=FILE or in /etc/gadget-run/policy.yaml, " +
				"or run it unverified with --verify-image=false",
		},
		"the list of signatures cannot be read": {func(t *testing.T, a *admission) {
			a.sign(t, a.artifact.Root)
			a.srv.Answer = answer(http.StatusForbidden, "/referrers/")
		}, "reading the signatures of"},
		"the tag of signatures cannot be read": {func(t *testing.T, a *admission) {
			a.srv.Answer = answer(http.StatusForbidden, ".sig")
		}, "reading the signatures of"},
		"the signature itself cannot be read": {func(t *testing.T, a *admission) {
			a.sign(t, a.artifact.Root)
			a.srv.Answer = answer(http.StatusNotFound, "/blobs/")
		}, "reading the signatures of"},
		"signed for another artifact": {func(t *testing.T, a *admission) {
			other := registrytest.NewArtifact(t, 8, 10)
			s, err := sign.New(sign.FormBundle, other.Root.Digest, "registry.example/team/g", nil, a.key)
			if err != nil {
				t.Fatal(err)
			}
			a.refer(t, a.artifact.Root, registry.Document{
				MediaType: sign.BundleMediaType, Data: s.Data, Annotations: sign.BundleAnnotations(),
			})
		}, "the signature is about another digest"},
		"policy unreadable": {func(t *testing.T, a *admission) {
			a.trust.PublicKeys, a.trust.Policy = nil, cli.File(t.TempDir())
		}, "policy"},
		"policy with an unknown word": {func(t *testing.T, a *admission) {
			file := filepath.Join(t.TempDir(), "policy.yaml")
			if err := os.WriteFile(file, []byte("version: 1\ndefault: {unsinged: allow}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			a.trust.PublicKeys, a.trust.Policy = nil, cli.File(file)
		}, "unsinged"},
		"tampered index": {func(t *testing.T, a *admission) {
			a.sign(t, a.artifact.Root)
			a.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/manifests/v1") {
					return false
				}
				data := bytes.Replace(a.artifact.Memory[a.artifact.Root.Digest], []byte("1970"), []byte("1971"), 1)
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				w.Header().Set("Docker-Content-Digest", a.artifact.Root.Digest.String())
				_, _ = w.Write(data)
				return true
			}
		}, "it served a manifest with digest"},
		"tampered index with its own digest": {func(t *testing.T, a *admission) {
			a.sign(t, a.artifact.Root)
			data := bytes.Replace(a.artifact.Memory[a.artifact.Root.Digest], []byte("1970"), []byte("1971"), 1)
			b := oci.NewBlob(ocispec.MediaTypeImageIndex, data)
			a.srv.Add(b)
			a.srv.Tag("v1", b.Descriptor)
		}, "it is not signed"},
		"referrers that list each other": {func(t *testing.T, a *admission) {
			d := a.refer(t, a.artifact.Root, registry.Document{
				MediaType: sign.BundleMediaType, Data: []byte("{}"), Annotations: sign.BundleAnnotations(),
			})
			a.srv.Refer(d.Digest, a.artifact.Root)
			for range 2000 {
				a.srv.Refer(a.artifact.Root.Digest, d)
				a.srv.Refer(a.artifact.Root.Digest, a.artifact.Root)
			}
		}, "no signature of it is accepted"},
		"pages of referrers without end": {func(t *testing.T, a *admission) {
			a.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					return false
				}
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				w.Header().Set("Link", fmt.Sprintf("<%s?n=%d>; rel=\"next\"", r.URL.Path, len(a.srv.Seen("/referrers/"))))
				_, _ = w.Write([]byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[]}`))
				return true
			}
		}, "pages of referrers"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range []string{artifact.PullMissing, artifact.PullAlways} {
				a := newAdmission(t)
				tc.prepare(t, a)
				err := a.obtain(t, policy)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("--pull=%s: error %v, want %q", policy, err, tc.want)
				}
				a.holdsNothing(t)
			}
		})
	}
}
