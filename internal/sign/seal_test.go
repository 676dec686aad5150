package sign_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// TestRecordByHand: what another program writes into the directory of records claims
// nothing, and neither does the record of another artifact or machine.
func TestRecordByHand(t *testing.T) {
	s := newScene(t, sign.Refuse)
	s.request.Policy.Local = sign.Allow
	file := filepath.Join(s.request.State, "verified", "sha256-"+golden.Encoded()+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"local":true,"here":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.check(t, "it is not signed")
	elsewhere := t.TempDir()
	if err := sign.MarkLocal(elsewhere, golden); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(elsewhere, "verified", filepath.Base(file)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s.check(t, "it is not signed")
	if err := sign.MarkLocal(s.request.State, golden); err != nil {
		t.Fatal(err)
	}
	s.check(t, "")
	if err := os.Chmod(filepath.Join(s.request.State, "seal.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.check(t, "only its owner can read")
}

// TestPolicyDanglingLink: a policy that is there and cannot be read
// refuses.
func TestPolicyDanglingLink(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "gadget-run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone.yaml", filepath.Join(home, "gadget-run", "policy.yaml")); err != nil {
		t.Fatal(err)
	}
	if p, err := sign.FindPolicy(t.Context(), "", home); err == nil || !strings.Contains(err.Error(), "policy.yaml") {
		t.Errorf("FindPolicy = %v, %v, want an error", p, err)
	}
}

// TestNameOfThisMachine: a name that is mapped to another machine is not trusted
// as one of this machine.
func TestNameOfThisMachine(t *testing.T) {
	for here, want := range map[bool]sign.Action{true: sign.Allow, false: sign.Refuse} {
		if got := sign.DefaultPolicy().RuleFor("localhost:5000/x", here).Unsigned; got != want {
			t.Errorf("here %v: %s, want %s", here, got, want)
		}
	}
}
