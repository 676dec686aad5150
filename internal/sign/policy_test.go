package sign_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// noFiles is for policies that name no files.
func noFiles(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func parse(tb testing.TB, text string) *sign.Policy {
	tb.Helper()
	p, err := sign.ParsePolicy([]byte(text), "policy.yaml", func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join("testdata", "keys", name))
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

const policyText = `
version: 1
keys:
  release: {file: p256.pub}
  old: {file: rsa.pub, expires: 2026-12-31}
rules:
  - match: ghcr.io/acme/secret
    unsigned: refuse
  - match: [ghcr.io/acme/**, "*.example/gadgets/*"]
    keys: [release, old]
  - match: localhost:5000/strict/
    keys: [release]
    unsigned: warn
default:
  unsigned: warn
`

func TestPolicyRules(t *testing.T) {
	p := parse(t, policyText)
	for _, tt := range []struct{ name, keys, unsigned string }{
		{"ghcr.io/acme/secret", "", "refuse"},
		{"ghcr.io/acme/other", "release old", "refuse"},
		{"ghcr.io/acme/a/b/c", "release old", "refuse"},
		{"GHCR.io/acme/other", "release old", "refuse"},
		{"ghcr.io/acme", "", "warn"},
		{"ghcr.io/acmecorp/other", "", "warn"},
		{"registry.example/gadgets/x", "release old", "refuse"},
		{"registry.example/gadgets/x/y", "", "warn"},
		{"a.registry.example/gadgets/x", "release old", "refuse"},
		{"localhost:5000/strict/x", "release", "warn"},
		{"localhost:5000/free", "", "allow"},
		{"127.0.0.1:5000/x", "", "allow"},
		{"127.9.9.9/x", "", "allow"},
		{"[::1]:5000/x", "", "allow"},
		{"127.0.0.1.example.com/x", "", "warn"},
		{"localhost.example.com/x", "", "warn"},
		{"docker.io/library/x", "", "warn"},
	} {
		rule := p.RuleFor(tt.name, true)
		var names []string
		for _, k := range rule.Keys {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != tt.keys || string(rule.Unsigned) != tt.unsigned {
			t.Errorf("%s: keys %q, unsigned %s; want %q, %s", tt.name, got, rule.Unsigned, tt.keys, tt.unsigned)
		}
	}
	want := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	if got := p.RuleFor("ghcr.io/acme/other", true).Keys[1].Expires; !got.Equal(want) {
		t.Errorf("the key expires %v, want %v", got, want)
	}
}

func TestDefaultPolicy(t *testing.T) {
	p := sign.DefaultPolicy()
	for name, want := range map[string]sign.Action{
		"ghcr.io/x/y": sign.Refuse, "docker.io/library/x": sign.Refuse, "localhost/x": sign.Allow,
		"127.0.0.1:5000/x": sign.Allow,
	} {
		if got := p.RuleFor(name, true); got.Unsigned != want || len(got.Keys) > 0 {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
	if p.Local != sign.Allow {
		t.Errorf("local is %s", p.Local)
	}
	if got := sign.KeysPolicy("x", nil).RuleFor("localhost/x", true).Unsigned; got != sign.Refuse {
		t.Errorf("with keys of the user, a loopback registry is %s", got)
	}
}

func TestPolicyRefused(t *testing.T) {
	const key = "keys: {k: {pem: x}}\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "it is empty"},
		{"no version", "rules: []", "only version 1"},
		{"another version", "version: 2", "only version 1"},
		{"misspelled", "version: 1\nrule: []", "field rule not found"},
		{"misspelled in a rule", "version: 1\nrules: [{match: a/b, unsinged: allow}]", "unsinged"},
		{"unknown action", "version: 1\ndefault: {unsigned: maybe}", `"maybe" is unknown`},
		{"unknown local", "version: 1\nlocal: maybe", "local:"},
		{"unknown key", "version: 1\nrules: [{match: a/b, keys: [k]}]", `no key "k"`},
		{"unknown identity", "version: 1\nrules: [{match: a/b, identities: [i]}]", `no identity "i"`},
		{"identity without roots", "version: 1\nidentities: {i: {subject: a}}", "either"},
		{"identity with bad roots", "version: 1\nidentities: {i: {subject: a, roots: {pem: x}}}", `identity "i"`},
		{"bad key", "version: 1\n" + key, `key "k"`},
		{"key without content", "version: 1\nkeys: {k: {}}", "either"},
		{"key with two contents", "version: 1\nkeys: {k: {pem: x, file: y}}", "either"},
		{"missing key file", "version: 1\nkeys: {k: {file: y}}", "y"},
		{"no match", "version: 1\nrules: [{unsigned: allow}]", `no "match"`},
		{"match in default", "version: 1\ndefault: {match: a/b}", "leave \"match\" out"},
		{"pattern without repository", "version: 1\nrules: [{match: ghcr.io}]", `write "ghcr.io/**"`},
		{"star alone", "version: 1\nrules: [{match: '*'}]", "for everything"},
		{"star in a part", "version: 1\nrules: [{match: ghcr.io/a**}]", "whole parts"},
		{"empty part", "version: 1\nrules: [{match: ghcr.io//a}]", "empty part"},
		{"bad glob", "version: 1\nrules: [{match: 'ghcr.io/[a'}]", "syntax error"},
		{"digest", "version: 1\nrules: [{match: 'ghcr.io/a@sha256:00'}]", "without digest"},
		{"two documents", "version: 1\n---\nversion: 1", "more than one document"},
		{"too large", strings.Repeat("#", sign.MaxPolicy+1), "more than"},
		{
			"too many rules", "version: 1\nrules: [" + strings.Repeat("{match: a/b},", 2000) + "]",
			"a list has 2000 elements, at most 1024 are allowed",
		},
	} {
		_, err := sign.ParsePolicy([]byte(tt.text), "", noFiles)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestPolicyHash: all that decides changes it, and nothing else.
func TestPolicyHash(t *testing.T) {
	base := parse(t, policyText)
	same := parse(t, "# A comment.\n"+policyText)
	same.Source = "elsewhere"
	if base.Hash() != same.Hash() {
		t.Error("a comment and another place change the hash")
	}
	seen := map[string]string{base.Hash(): "the policy"}
	for _, edit := range [][2]string{
		{"file: p256.pub", "file: p384.pub"},
		{"2026-12-31", "2026-12-30"},
		{"[release, old]", "[release]"},
		{"unsigned: refuse", "unsigned: warn"},
		{"acme/**", "acme/*"},
		{"default:\n  unsigned: warn", "default:\n  unsigned: allow"},
		{"version: 1", "version: 1\nlocal: warn"},
	} {
		changed := parse(t, strings.Replace(policyText, edit[0], edit[1], 1)).Hash()
		if was, ok := seen[changed]; ok {
			t.Errorf("%q instead of %q has the hash of %s", edit[1], edit[0], was)
		}
		seen[changed] = edit[1]
	}
}

func TestFindPolicy(t *testing.T) {
	if _, err := os.Stat(sign.SystemPolicy); !errors.Is(err, fs.ErrNotExist) {
		t.Skipf("needs a machine without %s", sign.SystemPolicy)
	}
	home := t.TempDir()
	file := filepath.Join(home, "gadget-run", "policy.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := sign.FindPolicy(t.Context(), "", home)
	if err != nil || p.Hash() != sign.DefaultPolicy().Hash() {
		t.Errorf("without a file: %+v, %v", p, err)
	}
	write("version: 1\ndefault: {unsigned: allow}\n")
	p, err = sign.FindPolicy(t.Context(), "", home)
	if err != nil || p.Default.Unsigned != sign.Allow || p.Source != file {
		t.Errorf("with the user's file: %+v, %v", p, err)
	}
	// What is there and cannot be read is never the same as nothing.
	write("version: 1\nkeys: {k: {file: missing.pub}}\n")
	_, err = sign.FindPolicy(t.Context(), "", home)
	checkError(t, err, "missing.pub")
	write("version: 1\nkeys: [")
	_, err = sign.FindPolicy(t.Context(), "", home)
	checkError(t, err, file)
	_, err = sign.FindPolicy(t.Context(), filepath.Join(home, "absent.yaml"), home)
	checkError(t, err, "absent.yaml")
	// Files of keys are next to the policy.
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "a.pub"), read(t, "keys", "p256.pub"), 0o644); err != nil {
		t.Fatal(err)
	}
	write("version: 1\nkeys: {k: {file: a.pub}}\nrules: [{match: a.b/c, keys: [k]}]\n")
	p, err = sign.FindPolicy(t.Context(), "", home)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(publicKey(t, "p256").ID, p.RuleFor("a.b/c", true).Keys[0].ID); diff != "" {
		t.Error(diff)
	}
}
