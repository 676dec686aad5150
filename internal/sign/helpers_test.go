package sign_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// golden is the artifact that real cosign signed for testdata.
const golden = digest.Digest("sha256:1fbe156fcbaaa98cfc4dd7b8e7ba97962423bc556c76f679e3a992c823d0af7c")

const repository = "registry.example/gadgets/trace_open"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// repo is a repository in memory.
type repo struct {
	oci.Memory
	tags      map[string]ocispec.Descriptor
	referrers []ocispec.Descriptor
	asked     int
	err       error
}

func newRepo() *repo { return &repo{Memory: oci.Memory{}, tags: map[string]ocispec.Descriptor{}} }

func (r *repo) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	r.asked++
	if r.err != nil {
		return ocispec.Descriptor{}, r.err
	}
	d, ok := r.tags[tag]
	if !ok {
		return d, fmt.Errorf("tag %s: %w", tag, oci.ErrNotFound)
	}
	return d, nil
}

func (r *repo) Referrers(context.Context, digest.Digest) ([]ocispec.Descriptor, error) {
	return r.referrers, r.err
}

func (r *repo) add(mediaType string, data []byte) ocispec.Descriptor {
	b := oci.NewBlob(mediaType, data)
	r.Memory[b.Digest] = b.Data
	return b.Descriptor
}

// put places a signature as a registry has it.
func (r *repo) put(tb testing.TB, s sign.Signature, subject digest.Digest) {
	tb.Helper()
	if s.Form == sign.FormTag {
		blobs, root, err := sign.TagManifest(tb.Context(), r, subject, s)
		if err != nil {
			tb.Fatal(err)
		}
		r.absorb(tb, blobs, root)
		r.tags[sign.Tag(subject)] = root
		return
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, ArtifactType: sign.BundleMediaType,
		Layers: []ocispec.Descriptor{r.add(sign.BundleMediaType, s.Data)}, Annotations: sign.BundleAnnotations(),
	}
	d := r.add(ocispec.MediaTypeImageManifest, toJSON(tb, m))
	d.ArtifactType = sign.BundleMediaType
	r.referrers = append(r.referrers, d)
}

// absorb copies a manifest and what it names.
func (r *repo) absorb(tb testing.TB, from oci.Blobs, d ocispec.Descriptor) {
	tb.Helper()
	data, err := oci.ReadBlob(tb.Context(), from, d, 1<<20)
	if err != nil {
		tb.Fatal(err)
	}
	r.Memory[d.Digest] = data
	var m ocispec.Manifest
	if d.MediaType != ocispec.MediaTypeImageManifest {
		return
	}
	if err := json.Unmarshal(data, &m); err != nil {
		tb.Fatal(err)
	}
	for _, l := range append(m.Layers, m.Config) {
		r.absorb(tb, from, l)
	}
}

func toJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func read(tb testing.TB, elem ...string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, elem...)...))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// goldenRepo is a repository with one signature that real cosign wrote.
func goldenRepo(tb testing.TB, cosign, name string) *repo {
	tb.Helper()
	r := newRepo()
	r.add("application/json", read(tb, cosign, name+".layer.json"))
	d := r.add(ocispec.MediaTypeImageManifest, read(tb, cosign, name+".manifest.json"))
	if name[:3] == "tag" {
		r.tags[sign.Tag(golden)] = d
		return r
	}
	d.ArtifactType = ocispec.MediaTypeEmptyJSON // as cosign lists it under a tag
	r.referrers = append(r.referrers, d)
	return r
}

func publicKey(tb testing.TB, name string) sign.PublicKey {
	tb.Helper()
	keys, err := sign.ParsePublicKeys(read(tb, "keys", name+".pub"), name)
	if err != nil {
		tb.Fatal(err)
	}
	return keys[0]
}

func newKey(tb testing.TB, kind string) *sign.PrivateKey {
	tb.Helper()
	var key crypto.PrivateKey
	var err error
	switch kind {
	case "p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "p521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		tb.Fatal(err)
	}
	private, err := sign.NewPrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return private
}

func pemOf(tb testing.TB, public crypto.PublicKey) []byte {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func newSignature(tb testing.TB, form sign.Form, subject digest.Digest, key *sign.PrivateKey) sign.Signature {
	tb.Helper()
	s, err := sign.New(form, subject, repository, nil, key)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func digestOf(s string) digest.Digest { return digest.Digest(s) }

// readPrivate reads an EC key for signing without the package.
func readPrivate(tb testing.TB, name string) *ecdsa.PrivateKey {
	tb.Helper()
	block, _ := pem.Decode(read(tb, "keys", name))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// hash256 says which hash a key signs.
const hash256 = crypto.SHA256

// errOffline is the answer to the question for a password.
var errOffline = errors.New("offline")

func hashBytes(d digest.Digest) ([]byte, error) { return hex.DecodeString(d.Encoded()) }

// containsDigest reports whether data names the digest that the fuzz targets use.
func containsDigest(data []byte) bool {
	return bytes.Contains(data, []byte(digest.FromString("something else")))
}

func goldenKeys(tb testing.TB) []sign.PublicKey {
	tb.Helper()
	var all []sign.PublicKey
	for _, name := range []string{"p256", "p384", "ed25519", "rsa"} {
		all = append(all, publicKey(tb, name))
	}
	return all
}

func trusting(keys []sign.PublicKey) sign.Verification {
	return sign.Verification{Keys: keys, Now: noon}
}
