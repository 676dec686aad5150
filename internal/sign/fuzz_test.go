package sign_test

import (
	"bytes"
	"encoding/base64"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// seed adds the golden files that a pattern below testdata names.
func seed(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds for %q: %v", pattern, err)
	}
	for _, name := range files {
		rel, err := filepath.Rel("testdata", name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(read(f, rel))
	}
}

// FuzzBundle: nothing verifies that no key of these tests signed.
func FuzzBundle(f *testing.F) {
	seed(f, "cosign*/bundle-*.layer.json")
	root := authority{}.issue(f, caTemplate("root"))
	f.Add(certified(f, sign.FormBundle, root.issue(f, signerTemplate(f))).Data)
	v := identity(f, sign.Identity{Subject: releaser}, authority{}.issue(f, caTemplate("root")))
	v.Keys = goldenKeys(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := sign.Signature{Form: sign.FormBundle, Data: data}
		if _, err := s.Verify(digest.FromString("something else"), v); err == nil {
			t.Error("it verifies for a digest that was never signed")
		}
		_, _ = s.Verify(golden, v)
	})
}

// FuzzPayload also signs what it is given, so that it is parsed.
func FuzzPayload(f *testing.F) {
	seed(f, "cosign*/tag-*.layer.json")
	private := readPrivate(f, "p256.sec1.key")
	keys := goldenKeys(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		hash := digest.FromBytes(data)
		raw, err := hashBytes(hash)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := private.Sign(nil, raw, hash256)
		if err != nil {
			t.Fatal(err)
		}
		s := sign.Signature{Form: sign.FormTag, Data: data, Base64: base64.StdEncoding.EncodeToString(signature)}
		if _, err := s.Verify(digest.FromString("something else"), trusting(keys)); err == nil && !containsDigest(data) {
			t.Error("it verifies for a digest that is not in it")
		}
	})
}

// FuzzPublicKeys: keys that are accepted have an ID.
func FuzzPublicKeys(f *testing.F) {
	seed(f, "keys/*")
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := sign.ParsePublicKeys(data, "fuzz")
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k.ID) != len(golden) || k.String() == "" {
				t.Errorf("the key is called %q", k.ID)
			}
		}
	})
}

// FuzzPrivateKey: a key that is accepted signs what its public half verifies.
func FuzzPrivateKey(f *testing.F) {
	seed(f, "keys/*.sec1.key")
	seed(f, "keys/*.pkcs*.key")
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := sign.ParsePrivateKey(data, func() ([]byte, error) { return nil, errOffline })
		if err != nil {
			return
		}
		s, err := sign.New(sign.FormBundle, golden, repository, nil, key)
		if err != nil {
			return // a damaged key says so when it is used
		}
		if _, err := s.Verify(golden, trusting([]sign.PublicKey{key.Public})); err != nil {
			t.Error(err)
		}
	})
}

// FuzzAuthorities: who is accepted has a certificate.
func FuzzAuthorities(f *testing.F) {
	f.Add([]byte(authority{}.issue(f, caTemplate("root")).pem()))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := sign.NewIdentity(sign.Identity{Subject: releaser}, data)
		if err == nil && !bytes.Contains(data, []byte("CERTIFICATE")) {
			t.Error("authorities without a certificate")
		}
	})
}

// FuzzPolicy: a policy that is accepted can be used, and refuses by default.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(policyText))
	f.Add([]byte("version: 1\nrules: [{match: ['**'], unsigned: allow}]\nlocal: refuse\n"))
	f.Add([]byte("version: 1\ndefault: {unsigned: &a warn}\nlocal: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := sign.ParsePolicy(data, "fuzz", func(string) ([]byte, error) { return read(t, "keys", "p256.pub"), nil })
		if err != nil {
			return
		}
		for _, name := range []string{repository, "localhost:5000/a/b", "docker.io/library/x", "x"} {
			switch p.RuleFor(name, true).Unsigned {
			case sign.Refuse, sign.Warn, sign.Allow:
			default:
				t.Errorf("%s: no action", name)
			}
		}
		again, err := sign.ParsePolicy(data, "again", func(string) ([]byte, error) {
			return read(t, "keys", "p256.pub"), nil
		})
		if err != nil || again.Hash() != p.Hash() {
			t.Errorf("read again, the policy is another one: %v", err)
		}
	})
}
