package sign_test

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// TestRepositoryMatch: under "repository: match" a signature that was made for
// another repository does not count; by default it does.
func TestRepositoryMatch(t *testing.T) {
	for _, form := range []sign.Form{sign.FormTag, sign.FormBundle} {
		for name, ok := range map[string]bool{repository: true, "ghcr.io/other/name": false} {
			s := newScene(t, sign.Refuse)
			signature, err := sign.New(form, golden, name, nil, s.key)
			if err != nil {
				t.Fatal(err)
			}
			s.repo.put(t, signature, golden)
			s.request.Name = repository
			s.request.Policy.Default.SameRepository = true
			_, err = sign.Check(t.Context(), s.request)
			if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), "does not name the repository "+
				repository)) {
				t.Errorf("%s for %s: %v", form, name, err)
			}
			s.request.Policy.Default.SameRepository = false
			if _, err := sign.Check(t.Context(), s.request); err != nil {
				t.Errorf("%s for %s, by default: %v", form, name, err)
			}
		}
	}
	p, err := sign.ParsePolicy([]byte("version: 1\ndefault: {repository: match}\n"), "x", nil)
	if err != nil || !p.Default.SameRepository {
		t.Errorf("ParsePolicy = %+v, %v", p, err)
	}
	if _, err := sign.ParsePolicy([]byte("version: 1\ndefault: {repository: same}\n"), "x", nil); err == nil {
		t.Error("an unknown word is accepted")
	}
}
