package sign_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

var (
	forms    = []sign.Form{sign.FormTag, sign.FormBundle}
	keyKinds = []string{"p256", "p384", "p521", "rsa", "ed25519"}
)

func TestSignAndVerify(t *testing.T) {
	for _, kind := range keyKinds {
		for _, form := range forms {
			t.Run(fmt.Sprintf("%s as a %s", kind, form), func(t *testing.T) {
				key, other := newKey(t, kind), newKey(t, kind)
				s := newSignature(t, form, golden, key)
				got, err := s.Verify(golden, trusting([]sign.PublicKey{other.Public, key.Public}))
				if err != nil || got.Key != key.Public.ID {
					t.Fatalf("Verify: %v, %v; want the key", got, err)
				}
				if _, err := s.Verify(golden, trusting([]sign.PublicKey{other.Public})); err == nil {
					t.Error("another key verifies the signature")
				}
				if _, err := s.Verify(golden, trusting(nil)); err == nil {
					t.Error("no key at all verifies the signature")
				}
				var otherSubject *sign.OtherSubjectError
				if _, err := s.Verify(digest.FromString("x"), trusting([]sign.PublicKey{key.Public})); !errors.As(err,
					&otherSubject) {
					t.Errorf("for another digest: got %v, want an OtherSubjectError", err)
				}
			})
		}
	}
}

func TestSigningDeterministic(t *testing.T) {
	for _, kind := range keyKinds {
		key := newKey(t, kind)
		for _, form := range forms {
			a, b := newSignature(t, form, golden, key), newSignature(t, form, golden, key)
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("%s as a %s differs:\n%s", kind, form, diff)
			}
		}
	}
}

// TestGolden verifies what real cosign wrote, by Find as from a registry.
func TestGolden(t *testing.T) {
	for _, cosign := range []string{"cosign2", "cosign3"} {
		for _, form := range forms {
			for _, key := range []string{"p256", "p384", "ed25519", "rsa"} {
				t.Run(fmt.Sprintf("%s %s %s", cosign, form, key), func(t *testing.T) {
					found, err := sign.Find(t.Context(), goldenRepo(t, cosign, string(form)+"-"+key), golden)
					if err != nil || len(found) != 1 {
						t.Fatalf("Find: %d signatures, %v; want 1", len(found), err)
					}
					public := publicKey(t, key)
					signers, err := sign.Signers(found, golden, trusting([]sign.PublicKey{public}))
					want := []sign.Signer{{Key: public.ID, Name: key, Form: form}}
					if diff := cmp.Diff(want, signers); diff != "" || err != nil {
						t.Errorf("signers (-want +got): %v\n%s", err, diff)
					}
					others := sign.Verification{Keys: []sign.PublicKey{newKey(t, key).Public}, Now: noon}
					if signers, err := sign.Signers(found, golden, others); len(signers) > 0 || err == nil {
						t.Errorf("another key: %v, %v", signers, err)
					}
				})
			}
		}
	}
}

func TestPrivateKeyFiles(t *testing.T) {
	secret := func() ([]byte, error) { return []byte("secret"), nil }
	for _, tt := range []struct{ file, public string }{
		{"p256.cosign.key", "p256"},
		{"p256.oldcosign.key", "p256"},
		{"p256.sec1.key", "p256"},
		{"ed25519.pkcs8.key", "ed25519"},
		{"rsa.pkcs1.key", "rsa"},
	} {
		key, err := sign.ParsePrivateKey(read(t, "keys", tt.file), secret)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if want := publicKey(t, tt.public).ID; key.Public.ID != want {
			t.Errorf("%s: it is the key %s, want %s", tt.file, key.Public.ID, want)
		}
	}
}

func TestPrivateKeyRefused(t *testing.T) {
	cosign := read(t, "keys", "p256.cosign.key")
	stop := errors.New("no password")
	for _, tt := range []struct {
		name, want string
		data       []byte
		password   func() ([]byte, error)
	}{
		{"wrong password", "the password is wrong", cosign, func() ([]byte, error) { return []byte("wrong"), nil }},
		{"no password", "no password", cosign, func() ([]byte, error) { return nil, stop }},
		{"public key", "unknown", read(t, "keys", "p256.pub"), nil},
		{"no PEM", "no PEM block", []byte("x"), nil},
		{"too large", "more than", make([]byte, sign.MaxKeyFile+1), nil},
	} {
		_, err := sign.ParsePrivateKey(tt.data, tt.password)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	one, two := read(t, "keys", "p256.pub"), read(t, "keys", "rsa.pub")
	keys, err := sign.ParsePublicKeys(append(append([]byte("A comment.\n"), one...), two...), "both")
	if err != nil || len(keys) != 2 || keys[0].Name != "both" || keys[0].ID == keys[1].ID {
		t.Errorf("got %v, %v; want two keys", keys, err)
	}
	if keys, err = sign.ParsePublicKeys(read(t, "keys", "p384.pub"), ""); err != nil ||
		keys[0].String() != "sha256:bf8cf5e88e66" {
		t.Errorf("got %v, %v", keys, err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"weak RSA", "1024 bits", pemOf(t, &weak.PublicKey)},
		{"weak curve", "P-256", pemOf(t, &small.PublicKey)},
		{"private key", "is not a public key", read(t, "keys", "p256.sec1.key")},
		{"certificate", "openssl x509", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
		{"damaged", "reading a public key", []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")},
		{"a good one, then a bad one", "is not a public key", append(bytes.Clone(one), read(t, "keys", "p256.sec1.key")...)},
		{"empty", "no PEM block", nil},
		{"too many", "more than", bytes.Repeat(one, 100)},
	} {
		if _, err := sign.ParsePublicKeys(tt.data, ""); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestExpiredKey(t *testing.T) {
	key := newKey(t, "p256")
	public := key.Public
	public.Expires = noon
	for _, form := range forms {
		s := newSignature(t, form, golden, key)
		var expired *sign.ExpiredError
		if _, err := s.Verify(golden, trusting([]sign.PublicKey{public})); !errors.As(err, &expired) {
			t.Errorf("%s: got %v, want an ExpiredError", form, err)
		}
		if _, err := s.Verify(golden, sign.Verification{
			Keys: []sign.PublicKey{public},
			Now:  noon.Add(-time.Second),
		}); err != nil {
			t.Errorf("%s, before it expires: %v", form, err)
		}
	}
}

// TestTampered changes every byte of a signature in turn: no change may go
// through, except one that leaves the meaning as it is.
func TestTampered(t *testing.T) {
	key := newKey(t, "ed25519")
	keys := []sign.PublicKey{key.Public}
	for _, form := range forms {
		s := newSignature(t, form, golden, key)
		if _, err := s.Verify(golden, trusting(keys)); err != nil {
			t.Fatal(err)
		}
		for i := range s.Data {
			bad := s
			bad.Data = bytes.Clone(s.Data)
			bad.Data[i] ^= 1
			if _, err := bad.Verify(golden, trusting(keys)); err == nil && !sameEnvelope(s.Data, bad.Data) {
				t.Fatalf("%s with byte %d changed verifies:\n%s", form, i, bad.Data)
			}
		}
	}
	s := newSignature(t, sign.FormTag, golden, key)
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		s.Base64 = base64.StdEncoding.EncodeToString(bad)
		if _, err := s.Verify(golden, trusting(keys)); err == nil {
			t.Fatalf("a signature with byte %d changed verifies", i)
		}
	}
}

// sameEnvelope reports whether two bundles have the same envelope: what lies
// around it, the key's hint for example, is not signed and not believed.
func sameEnvelope(a, b []byte) bool {
	envelope := func(data []byte) (string, bool) {
		var v struct {
			Envelope map[string]any `json:"dsseEnvelope"`
		}
		if json.Unmarshal(data, &v) != nil || v.Envelope == nil {
			return "", false
		}
		return fmt.Sprint(v.Envelope["payload"], v.Envelope["payloadType"], v.Envelope["signatures"]), true
	}
	x, ok := envelope(a)
	y, ok2 := envelope(b)
	return ok && ok2 && x == y
}
