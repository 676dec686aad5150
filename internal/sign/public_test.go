package sign

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// TestPublicAuthority reads what the public services of sigstore wrote: their
// trusted root, and a bundle of cosign's own tests (Apache-2.0), whose
// certificate expired in 2025.
func TestPublicAuthority(t *testing.T) {
	file := func(name string) []byte {
		data, err := os.ReadFile("testdata/public/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	id, err := NewTrustedIdentity(Identity{Name: "ci", Subject: "cody@*", Issuer: "https://github.com/login/oauth"},
		file("trusted_root.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := Signature{Form: FormBundle, Data: file("attestation.json")}
	v := Verification{Identities: []Identity{id}, Now: time.Now()}
	b, err := parseBundle(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	about := digest.Digest("sha256:" + strings.Repeat("0", 64))
	chain, err := s.certificates()
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewPublicKey("", chain[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.loggedTime(chain[0], key, id.logs)
	if err != nil || made.Year() != 2025 {
		t.Fatalf("made at %v, %v; want 2025", made, err)
	}
	if err := id.accepts(chain, made); err != nil {
		t.Errorf("the signer is not accepted: %v", err)
	}
	if err := id.accepts(chain, time.Now()); err == nil {
		t.Error("an expired certificate is accepted")
	}
	other := id
	other.Issuer = "https://accounts.google.com"
	if err := other.accepts(chain, made); !errors.Is(err, errOtherIdentity) {
		t.Errorf("another issuer: %v", err)
	}
	// It is an attestation and no signature, so that it lets nothing run.
	if _, err := s.Verify(about, v); err == nil || !strings.Contains(err.Error(), "not a signature") {
		t.Errorf("Verify: %v", err)
	}
	for i := range b.VerificationMaterial.LogEntries {
		e := &b.VerificationMaterial.LogEntries[i]
		late := logEntry{
			e.CanonicalizedBody, int64(e.IntegratedTime) + 1, int64(e.LogIndex),
			strings.TrimPrefix(id.logs[0].key.ID, "sha256:"), e.InclusionPromise.SignedEntryTimestamp,
		}
		if _, err := late.verify(id.logs); err == nil {
			t.Error("another time is accepted")
		}
	}
	changed := Signature{Form: FormBundle, Data: bytes.Replace(s.Data, []byte(`"integratedTime":`),
		[]byte(`"integratedTime_":`), 1)}
	if _, err := changed.loggedTime(chain[0], key, id.logs); err == nil {
		t.Error("an entry without a time is accepted")
	}
}
