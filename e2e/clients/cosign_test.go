package clients

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// trustedRoot keeps cosign from contacting the services of sigstore. The trusted root
// is an empty one, which a key needs nothing of.
const trustedRoot = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`

// cosign is one version of cosign, with a registry and keys.
type cosign struct {
	*lab
	site    *site
	program string // the environment variable that names it
}

// forms are those of signatures: under a tag, and as a referrer.
var forms = []string{"tag", "bundle"}

func (b *cosign) cosignRun(args ...string) (string, error) { return b.try(b.program, args...) }

func (b *cosign) insecure() []string {
	return b.site.onlyPlain("--allow-insecure-registry")
}

// push puts the gadget into its own repository and returns its pinned reference.
func (b *cosign) push(t *testing.T) string {
	t.Helper()
	return b.pinned(b.lab.push(t, b.site))
}

// keyPair writes NAME.pem and NAME.pub, and NAME.key as cosign has it.
func (b *cosign) keyPair(t *testing.T, name string, private any, public any) {
	t.Helper()
	write := func(file, kind string, der []byte, err error) {
		if err == nil {
			err = os.WriteFile(b.file(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	write(name+".pem", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(public)
	write(name+".pub", "PUBLIC KEY", der, err)
	if _, err := b.cosignRun("import-key-pair", "--yes", "--key", b.file(name+".pem"), "--output-key-prefix",
		b.file(name)); err != nil {
		t.Fatal(err)
	}
}

func (b *cosign) keyPairs(t *testing.T) []string {
	t.Helper()
	names := []string{"p256", "p384", "ed25519", "rsa"}
	for i, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b.keyPair(t, names[i], key, &key.PublicKey)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.keyPair(t, "ed25519", private, public)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b.keyPair(t, "rsa", key, &key.PublicKey)
	return names
}

// eachCosign runs a test with each version of cosign, each with its own home.
func eachCosign(t *testing.T, test func(t *testing.T, b *cosign, keys []string)) {
	t.Helper()
	for _, program := range []string{cosign2, cosign3} {
		t.Run(strings.ToLower(program), func(t *testing.T) {
			b := &cosign{lab: newLab(t), program: program}
			b.write(t, "root.json", trustedRoot)
			test(t, b, b.keyPairs(t))
		})
	}
}

// TestCosignKeys signs with each and verifies with the other, in both forms
// and with every kind of key.
func TestCosignKeys(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, keys []string) {
		b.site = b.sites(t)[0]
		for i, key := range keys {
			other := keys[(i+1)%len(keys)]
			for _, form := range forms {
				t.Run(key+" "+form+" ours", func(t *testing.T) { b.oursToCosign(t, key, other, form) })
				t.Run(key+" "+form+" theirs", func(t *testing.T) { b.cosignToOurs(t, key, other, form) })
			}
		}
		for _, form := range forms {
			t.Run("certificate "+form, func(t *testing.T) { b.certificate(t, form) })
		}
	})
}

// TestCosignRegistries does so in every registry, with one key.
func TestCosignRegistries(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, keys []string) {
		for _, s := range b.sites(t) {
			b.site = s
			for _, form := range forms {
				t.Run(s.name+" "+form+" ours", func(t *testing.T) { b.oursToCosign(t, keys[0], keys[1], form) })
				t.Run(s.name+" "+form+" theirs", func(t *testing.T) { b.cosignToOurs(t, keys[0], keys[1], form) })
			}
		}
	})
}

func (b *cosign) oursToCosign(t *testing.T, key, other, form string) {
	ref := b.push(t)
	if out, err := b.verify(ref, key, form); err == nil {
		t.Fatalf("cosign verifies what is not signed: %s", out)
	}
	b.ours(t, "image", "sign", "--format", form, "--key", b.file(key+".pem"), ref)
	if _, err := b.verify(ref, key, form); err != nil {
		t.Error(err)
	}
	if out, err := b.verify(ref, other, form); err == nil {
		t.Errorf("cosign verifies with another key: %s", out)
	}
}

// verify has cosign verify ref.
func (b *cosign) verify(ref, key, form string) (string, error) {
	args := words("verify", "--key", b.file(key+".pub"), "--insecure-ignore-tlog=true", b.insecure(),
		fmt.Sprintf("--new-bundle-format=%v", form == "bundle"))
	if form == "bundle" {
		args = append(args, "--trusted-root", b.file("root.json"))
	}
	return b.cosignRun(append(args, ref)...)
}

// cosignSign signs ref with one of the keys.
func (b *cosign) cosignSign(t *testing.T, ref, key, form string, more ...string) {
	t.Helper()
	args := words("sign", "--yes", "--key", b.file(key+".key"), "--tlog-upload=false", b.insecure(),
		fmt.Sprintf("--new-bundle-format=%v", form == "bundle"))
	if help, _ := b.cosignRun("sign", "--help"); strings.Contains(help, "--use-signing-config") {
		args = append(args, "--use-signing-config=false")
	}
	if _, err := b.cosignRun(append(append(args, more...), ref)...); err != nil {
		t.Fatal(err)
	}
}

func (b *cosign) cosignToOurs(t *testing.T, key, other, form string) {
	ref := b.push(t)
	b.cosignSign(t, ref, key, form)
	if out, err := b.tryOurs("image", "verify", "--key", b.file(key+".pub"), ref); err != nil ||
		!strings.Contains(out, "as a "+form) {
		t.Errorf("image verify: %v: %s", err, out)
	}
	if out, err := b.tryOurs("image", "verify", "--key", b.file(other+".pub"), ref); err == nil {
		t.Errorf("it verifies with another key: %s", out)
	}
	// cosign's own private key signs here too.
	if out, err := b.tryOurs("image", "sign", "--key", b.file(key+".key"), ref); err != nil ||
		!strings.Contains(out, "already, as a "+form) {
		t.Errorf("image sign: %v: %s", err, out)
	}
}

// certificate lets cosign sign with a certificate of an authority of the test.
func (b *cosign) certificate(t *testing.T, form string) {
	b.issue(t, "p256")
	ref := b.push(t)
	b.cosignSign(t, ref, "p256", form, "--certificate", b.file("p256.crt"), "--certificate-chain", b.file("root.crt"))
	for subject, want := range map[string]bool{"release@acme.example": true, "other@acme.example": false} {
		text := fmt.Sprintf("version: 1\nidentities: {someone: {subject: %s, roots: {file: root.crt}}}\n"+
			"rules: [{match: '**', identities: [someone]}]\n", subject)
		if err := os.WriteFile(b.file("policy.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := b.tryOurs("image", "verify", "--policy", b.file("policy.yaml"), ref); (err == nil) != want {
			t.Errorf("image verify for %s: %v: %s", subject, err, out)
		}
	}
}

// issue writes NAME.crt, a certificate for the key NAME, and root.crt.
func (b *cosign) issue(t *testing.T, name string) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), EmailAddresses: []string{"release@acme.example"}, NotBefore: root.NotBefore,
		NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(b.file(name + ".pub"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for file, make := range map[string]func() ([]byte, error){
		"root.crt":    func() ([]byte, error) { return x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key) },
		name + ".crt": func() ([]byte, error) { return x509.CreateCertificate(rand.Reader, leaf, root, public, key) },
	} {
		der, err := make()
		if err == nil {
			err = os.WriteFile(b.file(file), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
