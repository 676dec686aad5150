package imagecmd_test

import (
	"bytes"
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
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// cosignEnv lists cosign executables, separated as PATH is.
const cosignEnv = "COSIGN"

// trustedRoot keeps cosign from asking the services of sigstore. The trusted root
// is an empty one, which a key needs nothing of.
const trustedRoot = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`

// cosignBench is a registry with one artifact, and keys.
type cosignBench struct {
	cosign, dir, addr, layout string
	pushed                    int
}

func (b *cosignBench) file(name string) string { return filepath.Join(b.dir, name) }

// cosignRun runs cosign and returns what it says.
func (b *cosignBench) cosignRun(args ...string) (string, error) {
	cmd := exec.Command(b.cosign, args...)
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=secret", "HOME="+b.dir, "SIGSTORE_NO_CACHE=true")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// gadgetRun runs gadget-run and returns what it says.
func (b *cosignBench) gadgetRun(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(append([]string{"--state", b.file("state")}, args...), strings.NewReader(""), &out, &out)
	return out.String(), err
}

// push puts the artifact into a repository of its own and returns its pinned reference.
func (b *cosignBench) push(t *testing.T) string {
	t.Helper()
	b.pushed++
	ref := fmt.Sprintf("%s/cosign/g%d:v1", b.addr, b.pushed)
	if out, err := b.gadgetRun("image", "load", "--tag", ref, b.layout); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := b.gadgetRun("-q", "image", "push", ref)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Replace(strings.TrimSpace(out), ":v1@", "@", 1)
}

// keyPair writes NAME.pem and NAME.pub, and NAME.key as cosign has it.
func (b *cosignBench) keyPair(t *testing.T, name string, private any, public any) {
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
	if out, err := b.cosignRun("import-key-pair", "--yes", "--key", b.file(name+".pem"), "--output-key-prefix", b.file(name)); err != nil {
		t.Fatalf("cosign import-key-pair: %v: %s", err, out)
	}
}

func (b *cosignBench) keyPairs(t *testing.T) []string {
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

// TestCosign signs with each and verifies with the other, in both forms and
// with every kind of key.
func TestCosign(t *testing.T) {
	list := os.Getenv(cosignEnv)
	if list == "" {
		t.Skip("needs cosign, its path (or several) in COSIGN")
	}
	srv := registrytest.Start(t, registrytest.Config{})
	layout := gadgettest.Layout(t, "testdata/open.bpf.o", "testdata/open.yaml", arch.AMD64, arch.ARM64)
	for _, cosign := range filepath.SplitList(list) {
		b := &cosignBench{cosign: cosign, dir: t.TempDir(), addr: srv.Addr, layout: layout}
		t.Setenv("XDG_CONFIG_HOME", b.dir)
		if err := os.WriteFile(b.file("root.json"), []byte(trustedRoot), 0o600); err != nil {
			t.Fatal(err)
		}
		names := b.keyPairs(t)
		for i, key := range names {
			other := names[(i+1)%len(names)]
			for _, form := range []string{"tag", "bundle"} {
				name := fmt.Sprintf("%s %s %s", filepath.Base(cosign), key, form)
				t.Run(name+" ours", func(t *testing.T) { b.oursToCosign(t, key, other, form) })
				t.Run(name+" theirs", func(t *testing.T) { b.cosignToOurs(t, key, other, form) })
			}
		}
		for _, form := range []string{"tag", "bundle"} {
			t.Run(fmt.Sprintf("%s certificate %s", filepath.Base(cosign), form), func(t *testing.T) { b.certificate(t, form) })
		}
	}
}

func (b *cosignBench) oursToCosign(t *testing.T, key, other, form string) {
	ref := b.push(t)
	verify := func(key string) (string, error) {
		args := []string{"verify", "--key", b.file(key + ".pub"), "--insecure-ignore-tlog=true", "--allow-insecure-registry"}
		if form == "bundle" {
			args = append(args, "--trusted-root", b.file("root.json"))
		}
		return b.cosignRun(append(args, ref)...)
	}
	if out, err := verify(key); err == nil {
		t.Fatalf("cosign verifies what is not signed: %s", out)
	}
	if out, err := b.gadgetRun("image", "sign", "--format", form, "--key", b.file(key+".pem"), ref); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := verify(key); err != nil {
		t.Errorf("cosign verify: %v: %s", err, out)
	}
	if out, err := verify(other); err == nil {
		t.Errorf("cosign verifies with another key: %s", out)
	}
}

// cosignSign signs ref with one of the keys.
func (b *cosignBench) cosignSign(t *testing.T, ref, key, form string, more ...string) {
	t.Helper()
	args := []string{
		"sign", "--yes", "--key", b.file(key + ".key"), "--tlog-upload=false", "--allow-insecure-registry",
		fmt.Sprintf("--new-bundle-format=%v", form == "bundle"),
	}
	if help, _ := b.cosignRun("sign", "--help"); strings.Contains(help, "--use-signing-config") {
		args = append(args, "--use-signing-config=false")
	}
	if out, err := b.cosignRun(append(append(args, more...), ref)...); err != nil {
		t.Fatalf("cosign sign: %v: %s", err, out)
	}
}

func (b *cosignBench) cosignToOurs(t *testing.T, key, other, form string) {
	ref := b.push(t)
	b.cosignSign(t, ref, key, form)
	if out, err := b.gadgetRun("image", "verify", "--key", b.file(key+".pub"), ref); err != nil || !strings.Contains(out, "as a "+form) {
		t.Errorf("image verify: %v: %s", err, out)
	}
	if out, err := b.gadgetRun("image", "verify", "--key", b.file(other+".pub"), ref); err == nil {
		t.Errorf("it verifies with another key: %s", out)
	}
	// cosign's own private key signs here too.
	t.Setenv("COSIGN_PASSWORD", "secret")
	if out, err := b.gadgetRun("image", "sign", "--key", b.file(key+".key"), ref); err != nil || !strings.Contains(out, "already, as a "+form) {
		t.Errorf("image sign: %v: %s", err, out)
	}
}

// certificate lets cosign sign with a certificate of an authority of the test.
func (b *cosignBench) certificate(t *testing.T, form string) {
	b.issue(t, "p256")
	ref := b.push(t)
	b.cosignSign(t, ref, "p256", form, "--certificate", b.file("p256.crt"), "--certificate-chain", b.file("root.crt"))
	for subject, want := range map[string]bool{"release@acme.example": true, "other@acme.example": false} {
		text := fmt.Sprintf("version: 1\nidentities: {someone: {subject: %s, roots: {file: root.crt}}}\n"+
			"rules: [{match: '**', identities: [someone]}]\n", subject)
		if err := os.WriteFile(b.file("policy.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := b.gadgetRun("image", "verify", "--policy", b.file("policy.yaml"), ref); (err == nil) != want {
			t.Errorf("image verify for %s: %v: %s", subject, err, out)
		}
	}
}

// issue writes NAME.crt, a certificate for the key NAME, and root.crt.
func (b *cosignBench) issue(t *testing.T, name string) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), EmailAddresses: []string{"release@acme.example"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
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
