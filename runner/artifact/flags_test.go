package artifact_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// TestTrustFlags refuses flags that contradict each other, and files that do not
// exist, before anything is pulled.
func TestTrustFlags(t *testing.T) {
	here := filepath.Join(t.TempDir(), "here")
	if err := os.WriteFile(here, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const contradict = "--verify-image=false contradicts --public-keys and --policy, use one"
	const pem = "\n-----BEGIN PUBLIC KEY-----\n"
	for name, tc := range map[string]struct {
		flags artifact.TrustFlags
		want  string
	}{
		"nothing":                  {artifact.TrustFlags{VerifyImage: true}, ""},
		"unverified":               {artifact.TrustFlags{}, ""},
		"a policy":                 {artifact.TrustFlags{VerifyImage: true, Policy: cli.File(here)}, ""},
		"keys":                     {artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{here, pem}}, ""},
		"unverified keys":          {artifact.TrustFlags{PublicKeys: []string{here}}, contradict},
		"unverified with a policy": {artifact.TrustFlags{Policy: cli.File(here)}, contradict},
		"no such policy": {
			artifact.TrustFlags{VerifyImage: true, Policy: "/nothing"}, `--policy: file "/nothing" does not exist`,
		},
		"no such key": {
			artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{here, "/nothing"}},
			`--public-keys: file "/nothing" does not exist`,
		},
		"keys and a policy": {
			artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{here}, Policy: cli.File(here)},
			"--public-keys and --policy are mutually exclusive, use one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.flags.Check()
			if tc.want == "" && err == nil {
				return
			}
			if err == nil || err.Error() != tc.want || cli.ExitCode(err) != cli.ExitUsage {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestPublicKeys are files or the text of a key; what is none is named.
func TestPublicKeys(t *testing.T) {
	a := newAdmission(t)
	data, err := os.ReadFile(a.trust.PublicKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"file": a.trust.PublicKeys[0], "text": string(data)} {
		flags := artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{value}}
		policy, err := flags.FindPolicy(t.Context())
		if err != nil || len(policy.RuleFor("registry.example/team/g", false).Keys) != 1 {
			t.Errorf("%s: no key in %+v, %v", name, policy, err)
		}
	}
	damaged := filepath.Join(t.TempDir(), "damaged.pub")
	if err := os.WriteFile(damaged, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		damaged:    `reading public keys "damaged.pub": `,
		"/nothing": "reading public keys: ",
	} {
		flags := artifact.TrustFlags{VerifyImage: true, PublicKeys: []string{value}}
		if _, err := flags.FindPolicy(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
}

// TestPlatformFlags are this machine's platform, those that are named, or all.
func TestPlatformFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		flags artifact.PlatformFlags
		want  []arch.Arch
	}{
		"nothing": {artifact.PlatformFlags{}, []arch.Arch{arch.Host()}},
		"one":     {artifact.PlatformFlags{Platform: []string{"linux/arm64"}}, []arch.Arch{arch.ARM64}},
		"two":     {artifact.PlatformFlags{Platform: []string{"arm64", "linux/amd64"}}, []arch.Arch{arch.ARM64, arch.AMD64}},
		"all":     {artifact.PlatformFlags{AllPlatforms: true}, nil},
	} {
		got, err := tc.flags.Archs()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const want = `platform "darwin/arm64": gadgets run on linux only, write linux/amd64 or linux/arm64`
	_, err := artifact.PlatformFlags{Platform: []string{"darwin/arm64"}}.Archs()
	if err == nil || err.Error() != want || cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("got %v, want %s", err, want)
	}
}
