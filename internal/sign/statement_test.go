package sign_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// signer signs what the package itself never would.
type signer struct {
	private ed25519.PrivateKey
	keys    []sign.PublicKey
}

func newSigner(tb testing.TB) signer {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := sign.NewPublicKey("", public)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{private, []sign.PublicKey{key}}
}

// bundle signs a payload in an envelope (DSSE 1.0).
func (s signer) bundle(payloadType, payload string) sign.Signature {
	signed := fmt.Sprintf("DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	return bundleOf(payloadType, payload, ed25519.Sign(s.private, []byte(signed)))
}

func bundleOf(payloadType, payload string, signature []byte) sign.Signature {
	return sign.Signature{Form: sign.FormBundle, Data: fmt.Appendf(nil,
		`{"mediaType":%q,"verificationMaterial":{},"dsseEnvelope":{"payload":%q,"payloadType":%q,"signatures":[{"sig":"AAAA"},{"sig":%q}]}}`,
		sign.BundleMediaType, b64(payload), payloadType, b64(string(signature)))}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func statement(kind, predicate, subject string) string {
	return fmt.Sprintf(`{"_type":%q,"subject":[{"digest":{"sha256":"00"}},{"digest":{"sha256":%q}}],"predicateType":%q}`,
		kind, subject, predicate)
}

// TestOnlySignaturesCount has statements that the key did sign, of which one
// alone is a signature of the artifact.
func TestOnlySignaturesCount(t *testing.T) {
	const inToto, v1 = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
	good := statement(v1, sign.SignPredicate, golden.Encoded())
	for _, tt := range []struct{ name, payloadType, payload, want string }{
		{"a signature", inToto, good, ""},
		{
			"an old statement", inToto, statement("https://in-toto.io/Statement/v0.1", sign.SignPredicate, golden.Encoded()), "",
		},
		{"provenance", inToto, statement(v1, "https://slsa.dev/provenance/v1", golden.Encoded()), "is not a signature"},
		{"no predicate", inToto, statement(v1, "", golden.Encoded()), "is not a signature"},
		{"another statement", inToto, statement("https://example/v1", sign.SignPredicate, golden.Encoded()), "is of type"},
		{"another payload type", "application/json", good, "not a statement"},
		{"another subject", inToto, statement(v1, sign.SignPredicate, strings.Repeat("0", 64)), "another digest"},
		{"no JSON", inToto, "x", "reading the statement"},
		{
			"many subjects", inToto, `{"_type":"` + v1 + `","predicateType":"` + sign.SignPredicate + `","subject":[` +
				strings.Repeat("{},", 100) + "{}]}", "more than",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSigner(t)
			_, err := s.bundle(tt.payloadType, tt.payload).Verify(golden, trusting(s.keys))
			checkError(t, err, tt.want)
		})
	}
}

func TestOnlyPayloadsForCosignCount(t *testing.T) {
	const good = `{"critical":{"image":{"docker-manifest-digest":"` + string(golden) +
		`"},"type":"cosign container image signature"}}`
	for _, tt := range []struct{ name, payload, want string }{
		{"a signature", good, ""},
		{"another type", strings.Replace(good, "cosign container", "atomic container", 1), "is of type"},
		{"another digest", strings.Replace(good, "1fbe", "1fbf", 1), "another digest"},
		{"not a digest", `{"critical":{"type":"cosign container image signature"}}`, "digest"},
		{"no JSON", "x", "reading the payload"},
		{"too large", good + strings.Repeat(" ", sign.MaxPayload), "more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSigner(t)
			signature := sign.Signature{
				Form: sign.FormTag, Data: []byte(tt.payload),
				Base64: b64(string(ed25519.Sign(s.private, []byte(tt.payload)))),
			}
			_, err := signature.Verify(golden, trusting(s.keys))
			checkError(t, err, tt.want)
		})
	}
}

// TestFormsDoNotMix: what is signed as one thing is none of another kind.
func TestFormsDoNotMix(t *testing.T) {
	s := newSigner(t)
	payload := statement("https://in-toto.io/Statement/v1", sign.SignPredicate, golden.Encoded())
	bare := bundleOf("application/vnd.in-toto+json", payload, ed25519.Sign(s.private, []byte(payload)))
	if _, err := bare.Verify(golden, trusting(s.keys)); err == nil {
		t.Error("a signature of the statement without its envelope verifies")
	}
	simple := newSignature(t, sign.FormTag, golden, newKey(t, "ed25519"))
	simple.Form = sign.FormBundle
	if _, err := simple.Verify(golden, trusting(s.keys)); err == nil {
		t.Error("a payload passes for a bundle")
	}
	bundle := s.bundle("application/vnd.in-toto+json", payload)
	bundle.Form = sign.FormTag
	if _, err := bundle.Verify(golden, trusting(s.keys)); err == nil {
		t.Error("a bundle passes for a payload")
	}
}

// TestMessageSignature reads bundles that sign the manifest itself.
func TestMessageSignature(t *testing.T) {
	private := readPrivate(t, "p256.sec1.key")
	message := []byte("the manifest")
	hash := sha256.Sum256(message)
	subject := "sha256:" + hex.EncodeToString(hash[:])
	signature, err := private.Sign(rand.Reader, hash[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle := func(algorithm string, digest []byte) sign.Signature {
		return sign.Signature{Form: sign.FormBundle, Data: fmt.Appendf(nil,
			`{"mediaType":%q,"messageSignature":{"messageDigest":{"algorithm":%q,"digest":%q},"signature":%q}}`,
			sign.BundleMediaType, algorithm, b64(string(digest)), b64(string(signature)))}
	}
	keys := []sign.PublicKey{publicKey(t, "p256")}
	_, err = bundle("SHA2_256", hash[:]).Verify(digestOf(subject), trusting(keys))
	checkError(t, err, "")
	_, err = bundle("SHA2_256", hash[:]).Verify(golden, trusting(keys))
	checkError(t, err, "another digest")
	_, err = bundle("SHA2_512", hash[:]).Verify(digestOf(subject), trusting(keys))
	checkError(t, err, "SHA2_512")
	_, err = bundle("SHA2_256", hash[:]).Verify(digestOf(subject), trusting([]sign.PublicKey{publicKey(t, "ed25519")}))
	checkError(t, err, "Ed25519")
	_, err = bundle("SHA2_256", hash[:]).Verify(digestOf(subject), trusting([]sign.PublicKey{publicKey(t, "rsa")}))
	checkError(t, err, "did not make")
}

func TestBundlesRefused(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"no JSON", "x", "reading the bundle"},
		{"another media type", `{"mediaType":"application/json","dsseEnvelope":{}}`, "media type"},
		{"nothing signed", `{"mediaType":"` + sign.BundleMediaType + `"}`, "either"},
		{
			"two things signed", `{"mediaType":"` + sign.BundleMediaType + `","dsseEnvelope":{},"messageSignature":{}}`,
			"either",
		},
		{"not a signature", `{"mediaType":"` + sign.BundleMediaType + `","dsseEnvelope":{}}`, "did not make"},
		{
			"many signatures", `{"mediaType":"` + sign.BundleMediaType + `","dsseEnvelope":{"signatures":[` +
				strings.Repeat("{},", 100) + "{}]}}", "more than",
		},
		{
			"signed with a certificate", `{"mediaType":"` + sign.BundleMediaType +
				`","verificationMaterial":{"certificate":{}},"dsseEnvelope":{}}`, "did not make",
		},
		{"too large", strings.Repeat(" ", sign.MaxBundle+1), "more than"},
	} {
		_, err := sign.Signature{Form: sign.FormBundle, Data: []byte(tt.data)}.Verify(golden, trusting(newSigner(t).keys))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// checkError wants an error with the text, or none when it is empty.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	}
}
