package sign_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// FuzzRecord: write access to what is remembered makes nothing run that no
// key signed.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"local":false,"policy":"x","signers":[{"key":"sha256:00"}],"signatures":[{"form":"bundle","data":"e30="}]}`))
	f.Add([]byte(`{"signatures":[{"form":"tag","data":"e30=","signature":"AAAA"}]}`))
	state := f.TempDir()
	name := filepath.Join(state, "verified", strings.Replace(golden.String(), ":", "-", 1)+".json")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.Fatal(err)
	}
	policy := sign.KeysPolicy("test", []sign.PublicKey{newKey(f, "ed25519").Public})
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sign.ReadRecord(state, golden); err != nil {
			t.Fatalf("a damaged record is an error: %v", err)
		}
		_, err := sign.Check(t.Context(), sign.Request{Policy: policy, Name: repository, Digest: golden, State: state})
		if !sign.IsRefused(err) {
			t.Errorf("%q runs: %v", data, err)
		}
	})
}
