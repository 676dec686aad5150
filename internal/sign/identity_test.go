package sign_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

const (
	releaser = "release@acme.example"
	workflow = "https://ci.example/acme/gadgets/release.yml@refs/tags/v1"
	provider = "https://accounts.acme.example"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func ecKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// issue signs a certificate; an authority without certificate signs itself.
func (a authority) issue(tb testing.TB, template *x509.Certificate) authority {
	tb.Helper()
	template.SerialNumber = big.NewInt(1)
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	}
	key := ecKey(tb)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return authority{cert, key}
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
	}
}

// signerTemplate is a certificate as Fulcio issues it.
func signerTemplate(tb testing.TB) *x509.Certificate {
	tb.Helper()
	issuer, err := asn1.MarshalWithParams(provider, "utf8")
	if err != nil {
		tb.Fatal(err)
	}
	uri, err := url.Parse(workflow)
	if err != nil {
		tb.Fatal(err)
	}
	return &x509.Certificate{
		EmailAddresses: []string{releaser}, URIs: []*url.URL{uri},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: issuer}},
	}
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// certified signs golden, with the certificates in the signature.
func certified(tb testing.TB, form sign.Form, leaf authority, chain ...authority) sign.Signature {
	tb.Helper()
	key, err := sign.NewPrivateKey(leaf.key)
	if err != nil {
		tb.Fatal(err)
	}
	s := newSignature(tb, form, golden, key)
	if form == sign.FormTag {
		s.Certificates = leaf.pem()
		for _, c := range chain {
			s.Certificates += c.pem()
		}
		return s
	}
	var all []string
	for _, c := range append([]authority{leaf}, chain...) {
		all = append(all, fmt.Sprintf(`{"rawBytes":%q}`, base64.StdEncoding.EncodeToString(c.cert.Raw)))
	}
	material := fmt.Sprintf(`"verificationMaterial":{"x509CertificateChain":{"certificates":[%s]}},"dsseEnvelope"`,
		strings.Join(all, ","))
	before, rest, _ := strings.Cut(string(s.Data), `"verificationMaterial"`)
	_, after, _ := strings.Cut(rest, `"dsseEnvelope"`)
	s.Data = []byte(before + material + after)
	return s
}

func identity(tb testing.TB, id sign.Identity, authorities ...authority) sign.Verification {
	tb.Helper()
	var roots string
	for _, a := range authorities {
		roots += a.pem()
	}
	id.Name = "releaser"
	made, err := sign.NewIdentity(id, []byte(roots))
	if err != nil {
		tb.Fatal(err)
	}
	return sign.Verification{Identities: []sign.Identity{made}, Now: noon}
}

func TestIdentities(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	middle := root.issue(t, caTemplate("middle"))
	otherAuthority := authority{}.issue(t, caTemplate("root"))
	leaf := middle.issue(t, signerTemplate(t))
	late, server := signerTemplate(t), signerTemplate(t)
	late.NotBefore, late.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	mail := sign.Identity{Subject: releaser}
	for _, tt := range []struct {
		name, want string
		v          sign.Verification
		leaf       authority
		chain      []authority
	}{
		{"mail", "", identity(t, mail, root), leaf, []authority{middle}},
		{"workflow", "", identity(t, sign.Identity{Subject: workflow}, root), leaf, []authority{middle}},
		{
			"beginning of the workflow", "", identity(t, sign.Identity{Subject: "https://ci.example/acme/*"}, root), leaf,
			[]authority{middle},
		},
		{"with issuer", "", identity(t, sign.Identity{Subject: releaser, Issuer: provider}, root), leaf, []authority{middle}},
		{"intermediate from the policy", "", identity(t, mail, root, middle), leaf, nil},
		{
			"another subject", "another identity", identity(t, sign.Identity{Subject: "x" + releaser}, root), leaf,
			[]authority{middle},
		},
		{
			"beginning of the subject", "another identity", identity(t, sign.Identity{Subject: "release@"}, root), leaf,
			[]authority{middle},
		},
		{"another issuer", "another identity", identity(t, sign.Identity{Subject: releaser, Issuer: "https://evil.example"},
			root), leaf, []authority{middle}},
		{"another authority", "does not verify", identity(t, mail, otherAuthority), leaf, []authority{middle}},
		{"intermediate missing", "does not verify", identity(t, mail, root), leaf, nil},
		{"expired", "expired", identity(t, mail, root), middle.issue(t, late), []authority{middle}},
		{"not for code signing", "does not verify", identity(t, mail, root), middle.issue(t, server), []authority{middle}},
		{"signed by itself", "does not verify", identity(t, mail, root), authority{}.issue(t, signerTemplate(t)), nil},
		{
			"issued by no authority", "does not verify", identity(t, mail, root), leaf.issue(t, signerTemplate(t)),
			[]authority{leaf, middle},
		},
		{
			"brings its own root", "does not verify", identity(t, mail, root), otherAuthority.issue(t, signerTemplate(t)),
			[]authority{otherAuthority},
		},
		{"no identity", "no policy trusts", sign.Verification{Now: noon}, leaf, []authority{middle}},
	} {
		for _, form := range forms {
			t.Run(fmt.Sprintf("%s as a %s", tt.name, form), func(t *testing.T) {
				got, err := certified(t, form, tt.leaf, tt.chain...).Verify(golden, tt.v)
				checkError(t, err, tt.want)
				if tt.want != "" {
					return
				}
				key, err := sign.NewPrivateKey(tt.leaf.key)
				if err != nil {
					t.Fatal(err)
				}
				want := sign.Signer{Key: key.Public.ID, Name: "releaser", Subject: releaser + " " + workflow, Form: form}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("signer (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestCertificateOfAnother: a good certificate does not help who has not its key.
func TestCertificateOfAnother(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	leaf := root.issue(t, signerTemplate(t))
	v := identity(t, sign.Identity{Subject: releaser}, root)
	for _, form := range forms {
		_, err := certified(t, form, leaf).Verify(golden, v)
		checkError(t, err, "")
		imposter := authority{leaf.cert, ecKey(t)}
		if _, err := certified(t, form, imposter).Verify(golden, v); err == nil {
			t.Errorf("%s: a signature by another key counts", form)
		}
	}
}

// TestCertificatesInTheField reads the annotations that cosign 2 writes.
func TestCertificatesInTheField(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	middle := root.issue(t, caTemplate("middle"))
	s := certified(t, sign.FormTag, middle.issue(t, signerTemplate(t)), middle)
	leaf, chain, _ := strings.Cut(s.Certificates, "-----END CERTIFICATE-----\n")
	r := newRepo()
	layer := r.add(sign.PayloadMediaType, s.Data)
	layer.Annotations = map[string]string{
		sign.SignatureAnnotation:   s.Base64,
		sign.CertificateAnnotation: leaf + "-----END CERTIFICATE-----\n",
		sign.ChainAnnotation:       chain,
	}
	r.tags[sign.Tag(golden)] = r.add("application/json", toJSON(t, map[string]any{"layers": []any{layer}}))
	found, err := sign.Find(t.Context(), r, golden)
	if err != nil {
		t.Fatal(err)
	}
	signers, err := sign.Signers(found, golden, identity(t, sign.Identity{Subject: releaser}, root))
	if err != nil || len(signers) != 1 {
		t.Errorf("got %v, %v; want one signer", signers, err)
	}
}

func TestIdentitiesInThePolicy(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	other := authority{}.issue(t, caTemplate("root"))
	text := func(a authority, subject string) string {
		return fmt.Sprintf("version: 1\nidentities:\n  bot:\n    subject: %s\n    roots:\n      pem: |\n        "+
			"%s\nrules:\n- {match: %s, identities: [bot]}\n",
			subject, strings.ReplaceAll(strings.TrimSpace(a.pem()), "\n", "\n        "), repository)
	}
	s := newScene(t, sign.Refuse)
	s.request.Policy = parse(t, text(root, releaser))
	s.repo.put(t, certified(t, sign.FormBundle, root.issue(t, signerTemplate(t))), golden)
	if v := s.check(t, ""); len(v.Signers) != 1 || !strings.Contains(v.Signers[0].String(), "bot ("+releaser) {
		t.Errorf("signers are %v", v.Signers)
	}
	hash := s.request.Policy.Hash()
	for _, text := range []string{text(other, releaser), text(root, "x@example")} {
		s.request.Policy = parse(t, text)
		if s.request.Policy.Hash() == hash {
			t.Error("another identity does not change the hash")
		}
		s.check(t, "no signature of it is accepted")
	}
}

func TestIdentityRefused(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	middle := root.issue(t, caTemplate("middle"))
	leaf := root.issue(t, signerTemplate(t))
	for _, tt := range []struct{ name, subject, roots, want string }{
		{"no subject", "", root.pem(), "subject"},
		{"any subject", "*", root.pem(), "subject"},
		{"not a certificate", releaser, "", "no PEM block"},
		{"a key", releaser, string(read(t, "keys", "p256.pub")), "is not a certificate"},
		{"no root", releaser, middle.pem(), "is a root"},
		{"no authority", releaser, leaf.pem(), "not an authority's"},
		{"too many", releaser, strings.Repeat(root.pem(), 200), "more than"},
	} {
		_, err := sign.NewIdentity(sign.Identity{Subject: tt.subject}, []byte(tt.roots))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
