package sign_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// scene is an artifact in a repository, and a policy that wants key.
type scene struct {
	key     *sign.PrivateKey
	repo    *repo
	request sign.Request
}

func newScene(tb testing.TB, unsigned sign.Action) *scene {
	tb.Helper()
	key, r := newKey(tb, "ed25519"), newRepo()
	key.Public.Name = "release"
	policy := &sign.Policy{
		Source: "the test", Default: sign.Rule{Keys: []sign.PublicKey{key.Public}, Unsigned: unsigned}, Local: sign.Allow,
	}
	return &scene{key, r, sign.Request{
		Policy: policy, Name: repository, Digest: golden, State: tb.TempDir(), Now: noon,
		Place: func() (sign.Place, error) { return r, nil },
	}}
}

func (s *scene) check(t *testing.T, want string) sign.Verdict {
	t.Helper()
	v, err := sign.Check(t.Context(), s.request)
	checkError(t, err, want)
	return v
}

func TestCheckSigned(t *testing.T) {
	for _, form := range forms {
		s := newScene(t, sign.Refuse)
		s.repo.put(t, newSignature(t, form, golden, s.key), golden)
		v := s.check(t, "")
		want := []sign.Signer{{Key: s.key.Public.ID, Name: "release", Form: form}}
		if diff := cmp.Diff(want, v.Signers); diff != "" || v.Remembered {
			t.Errorf("%s: remembered %v, signers (-want +got):\n%s", form, v.Remembered, diff)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		set        func(*testing.T, *scene)
	}{
		{"unsigned", "it is not signed", func(*testing.T, *scene) {}},
		{"no key known", "no key is known", func(_ *testing.T, s *scene) { s.request.Policy = sign.DefaultPolicy() }},
		{"signed by another", "did not make", func(t *testing.T, s *scene) {
			s.repo.put(t, newSignature(t, sign.FormTag, golden, newKey(t, "p256")), golden)
		}},
		{"signed by another, unsigned is allowed", "did not make", func(t *testing.T, s *scene) {
			s.request.Policy.Default.Unsigned = sign.Allow
			s.repo.put(t, newSignature(t, sign.FormBundle, golden, newKey(t, "p256")), golden)
		}},
		{"signature of another artifact", "another digest", func(t *testing.T, s *scene) {
			s.repo.put(t, newSignature(t, sign.FormTag, digest.FromString("x"), s.key), golden)
		}},
		{"bundle of another artifact", "another digest", func(t *testing.T, s *scene) {
			s.repo.put(t, newSignature(t, sign.FormBundle, digest.FromString("x"), s.key), golden)
		}},
		{"expired", "expired on 2026-11-20", func(t *testing.T, s *scene) {
			s.request.Policy.Default.Keys[0].Expires = noon.AddDate(0, 0, -1)
			s.repo.put(t, newSignature(t, sign.FormTag, golden, s.key), golden)
		}},
		{"registry fails", "the registry is down", func(_ *testing.T, s *scene) {
			s.repo.err = errors.New("the registry is down")
		}},
		{"registry fails, unsigned is allowed", "the registry is down", func(_ *testing.T, s *scene) {
			s.request.Policy.Default.Unsigned = sign.Allow
			s.repo.err = errors.New("the registry is down")
		}},
		{"offline", "must not be contacted", func(_ *testing.T, s *scene) { s.request.Place = nil }},
		{"file, local refused", "it is not signed", func(_ *testing.T, s *scene) {
			s.request.Name, s.request.Policy.Local = "", sign.Refuse
		}},
		{"not a digest", "digest", func(_ *testing.T, s *scene) { s.request.Digest = "../../x" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, sign.Refuse)
			tt.set(t, s)
			s.check(t, tt.want)
			entries, err := filepath.Glob(filepath.Join(s.request.State, "*", "*"))
			if err != nil || len(entries) > 0 {
				t.Errorf("a refusal is remembered: %v, %v", entries, err)
			}
		})
	}
}

// TestRefusalErrors: a policy's no is distinguished from a failure.
func TestRefusalErrors(t *testing.T) {
	s := newScene(t, sign.Refuse)
	if _, err := sign.Check(t.Context(), s.request); !sign.IsRefused(err) ||
		!strings.Contains(err.Error(), "refused by the test") {
		t.Errorf("got %v, want a refusal", err)
	}
	s.repo.err = errors.New("down")
	if _, err := sign.Check(t.Context(), s.request); err == nil || sign.IsRefused(err) {
		t.Errorf("got %v, want a failure that is not a refusal", err)
	}
}

func TestCheckUnsigned(t *testing.T) {
	s := newScene(t, sign.Warn)
	if v := s.check(t, ""); !strings.Contains(v.Warning, "it is not signed") {
		t.Errorf("the warning is %q", v.Warning)
	}
	s = newScene(t, sign.Allow)
	if v := s.check(t, ""); v.Warning != "" || len(v.Signers) > 0 {
		t.Errorf("allowed with %+v", v)
	}
	s = newScene(t, sign.Allow)
	s.request.Require = true
	s.check(t, "it is not signed")
	// Where no key is known and unsigned is allowed, no registry is asked.
	s = newScene(t, sign.Allow)
	s.request.Policy.Default.Keys = nil
	s.check(t, "")
	if s.repo.asked > 0 {
		t.Error("the registry was contacted for signatures that nothing can verify")
	}
}

func TestCheckLocal(t *testing.T) {
	s := newScene(t, sign.Refuse)
	if err := sign.MarkLocal(s.request.State, golden); err != nil {
		t.Fatal(err)
	}
	s.check(t, "")
	s.request.Policy.Local = sign.Warn
	if v := s.check(t, ""); !strings.Contains(v.Warning, "not verified") {
		t.Errorf("the warning is %q", v.Warning)
	}
	// What must not come from here needs what its name requires.
	s.request.Policy.Local = sign.Refuse
	s.check(t, "it is not signed")
	s.repo.put(t, newSignature(t, sign.FormTag, golden, s.key), golden)
	s.check(t, "")
	s.request.Digest = digest.FromString("another")
	s.request.Policy.Local = sign.Allow
	s.check(t, "it is not signed")
}

func TestRemembered(t *testing.T) {
	s := newScene(t, sign.Refuse)
	s.repo.put(t, newSignature(t, sign.FormBundle, golden, s.key), golden)
	s.check(t, "")
	asked := s.repo.asked
	if v := s.check(t, ""); !v.Remembered || len(v.Signers) != 1 || s.repo.asked != asked {
		t.Errorf("the second time: %+v, the registry was asked %d times more", v, s.repo.asked-asked)
	}
	// Another policy asks again, and finds that the signature is gone.
	s.repo.referrers = nil
	s.check(t, "")
	s.request.Policy.Rules = []sign.Rule{{Match: []string{"other.example/**"}, Unsigned: sign.Allow}}
	s.check(t, "it is not signed")
	// Offline, what is here is verified again.
	s.request.Place = nil
	s.check(t, "")
	s.request.Policy.Default.Keys = []sign.PublicKey{newKey(t, "p256").Public}
	s.check(t, "no signature of it is on this machine")
}

// TestRecordNotTrusted: what is written in the directory does not count by itself.
func TestRecordNotTrusted(t *testing.T) {
	s := newScene(t, sign.Refuse)
	s.repo.put(t, newSignature(t, sign.FormTag, golden, s.key), golden)
	s.check(t, "")
	files, err := filepath.Glob(filepath.Join(s.request.State, "verified", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("records: %v, %v", files, err)
	}
	s.repo.tags = nil
	forged := string(toJSON(t, sign.Record{
		Policy:     s.request.Policy.Hash(),
		Signers:    []sign.Signer{{Key: s.key.Public.ID, Form: sign.FormTag}},
		Signatures: []sign.Signature{newSignature(t, sign.FormTag, golden, newKey(t, "p256"))},
	}))
	for _, text := range []string{forged, "", "{", "null", `{"policy":"` + s.request.Policy.Hash() + `"}`} {
		if err := os.WriteFile(files[0], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s.check(t, "it is not signed")
	}
}

// TestRememberedKeyExpires: memory does not outlive the key.
func TestRememberedKeyExpires(t *testing.T) {
	s := newScene(t, sign.Refuse)
	s.request.Policy.Default.Keys[0].Expires = noon.Add(time.Hour)
	s.repo.put(t, newSignature(t, sign.FormTag, golden, s.key), golden)
	s.check(t, "")
	s.request.Now = noon.Add(2 * time.Hour)
	s.check(t, "expired")
}

// TestUnreadableRecord: what might be remembered and cannot be read is an error.
func TestUnreadableRecord(t *testing.T) {
	s := newScene(t, sign.Allow)
	if err := os.WriteFile(filepath.Join(s.request.State, "verified"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.check(t, "not a directory")
}

func TestForget(t *testing.T) {
	state := t.TempDir()
	other := digest.FromString("other")
	for _, d := range []digest.Digest{golden, other} {
		if err := sign.MarkLocal(state, d); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(state, "verified", "README")
	if err := os.WriteFile(foreign, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n, err := sign.Forget(state, func(d digest.Digest) bool { return d == golden })
	if err != nil || n != 1 {
		t.Errorf("Forget = %d, %v; want 1", n, err)
	}
	for d, want := range map[digest.Digest]bool{golden: true, other: false} {
		if r, err := sign.ReadRecord(state, d); err != nil || r.Local != want {
			t.Errorf("%s: %+v, %v", d, r, err)
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
	if n, err := sign.Forget(t.TempDir(), nil); n != 0 || err != nil {
		t.Errorf("where nothing is remembered: %d, %v", n, err)
	}
}
