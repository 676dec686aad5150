package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// auths is a credentials file with one user per key; the password is "p".
func auths(pairs ...string) string {
	m := map[string]map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = map[string]string{"username": pairs[i+1], "password": "p"}
	}
	data, _ := json.Marshal(map[string]any{"auths": m})
	return string(data)
}

func TestLookup(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "auth.json"), auths(
		"https://index.docker.io/v1/", "hub",
		"ghcr.io", "host", "ghcr.io/org", "org", "ghcr.io/org/repo", "repo",
		"https://quay.io/v2/", "quay", "localhost:5000", "local",
	))
	for _, tc := range []struct{ host, repository, user string }{
		{"index.docker.io", "library/x", "hub"},
		{"ghcr.io", "other/x", "host"},
		{"ghcr.io", "org/x", "org"},
		{"ghcr.io", "org/repo", "repo"},
		{"ghcr.io", "organization/x", "host"},
		{"quay.io", "x", "quay"},
		{"localhost:5000", "x", "local"},
		{"localhost:5001", "x", ""},
		{"evil-ghcr.io", "x", ""},
		{"ghcr.io.evil", "x", ""},
	} {
		c, err := registry.FindCredentials(file)
		if err != nil {
			t.Fatal(err)
		}
		got, from, err := c.Lookup(context.Background(), tc.host, tc.repository)
		if err != nil || got.Username != tc.user || (from == file) != (tc.user != "") {
			t.Errorf("%s/%s: user %q from %q, %v; want %q", tc.host, tc.repository, got.Username, from, err, tc.user)
		}
	}
}

func TestHostAuthFilesOrder(t *testing.T) {
	env := map[string]string{"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/7"}
	getenv := func(k string) string { return env[k] }
	want := []string{
		"/var/lib/ig/config.json", "/run/user/7/containers/auth.json",
		"/h/.config/containers/auth.json", "/h/.docker/config.json",
	}
	if diff := cmp.Diff(want, registry.HostAuthFiles(0, getenv)); diff != "" {
		t.Errorf("root's files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], registry.HostAuthFiles(7, getenv)); diff != "" {
		t.Errorf("a user's files (-want +got):\n%s", diff)
	}
}

func TestFirstFileWins(t *testing.T) {
	home := t.TempDir()
	t.Setenv("REGISTRY_AUTH_FILE", "")
	t.Setenv("HOME", home)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(home, "run"))
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("DOCKER_CONFIG", "")
	writeFile(t, filepath.Join(home, "run/containers/auth.json"), auths("podman.example", "podman", "both.example",
		"podman"))
	writeFile(t, filepath.Join(home, ".docker/config.json"), auths("docker.example", "docker", "both.example", "docker"))
	user := func(authFile, host string) string {
		t.Helper()
		c, err := registry.FindCredentials(authFile)
		if err != nil {
			t.Fatal(err)
		}
		cfg, _, err := c.Lookup(context.Background(), host, "x")
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Username
	}
	for host, want := range map[string]string{
		"podman.example": "podman", "docker.example": "docker",
		"both.example": "podman",
	} {
		if got := user("", host); got != want {
			t.Errorf("%s: user %q, want %q", host, got, want)
		}
	}
	// A file that the user names is the only one.
	named := writeFile(t, filepath.Join(home, "named.json"), auths("named.example", "named"))
	if got := user(named, "docker.example"); got != "" {
		t.Errorf("with --authfile another file was read: %q", got)
	}
	t.Setenv("REGISTRY_AUTH_FILE", named)
	if got := user("", "named.example"); got != "named" {
		t.Errorf("REGISTRY_AUTH_FILE: user %q", got)
	}
}

func TestHelpers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	helper := `#!/bin/sh
read -r input
echo "$1 $input" >> ` + dir + `/calls
case "$1 $input" in
"get known.example") echo '{"ServerURL":"known.example","Username":"helped","Secret":"s"}' ;;
"get token.example") echo '{"Username":"<token>","Secret":"identity"}' ;;
"get broken.example") echo 'not JSON' ;;
get*) echo "credentials not found in native keychain"; exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, filepath.Join(dir, "config.json"),
		`{"credsStore":"test","credHelpers":{"absent.example":"absent","bad.example":"../test"},"auths":{"plain.example":{"auth":"dTpw"},"known.example":{}}}`)
	c, err := registry.FindCredentials(file)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"known.example": "helped", "plain.example": "u", "other.example": "", "token.example": "identity",
		"absent.example": "error: is not in PATH", "bad.example": "error: no valid name", "broken.example": "error: no JSON",
	} {
		cfg, _, err := c.Lookup(context.Background(), host, "x")
		text, wantErr := strings.CutPrefix(want, "error: ")
		switch {
		case wantErr && (err == nil || !strings.Contains(err.Error(), text)):
			t.Errorf("%s: error %v, want one with %q", host, err, text)
		case !wantErr && (err != nil || cfg.Username+cfg.IdentityToken != want):
			t.Errorf("%s: %+v, %v; want %q", host, cfg, err, want)
		}
	}
	if name, err := c.Remove(context.Background(), "known.example"); err != nil || name != "known.example" {
		t.Errorf("Remove = %q, %v", name, err)
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	if !strings.Contains(string(calls), "erase known.example") {
		t.Errorf("the helper was not asked to erase: %s", calls)
	}
}

func TestRemoveUnknown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.json")
	c, err := registry.FindCredentials(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Remove(context.Background(), "a.example"); !errors.Is(err, registry.ErrNotLoggedIn) {
		t.Errorf("Remove = %v, want ErrNotLoggedIn", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was made")
	}
}

func TestBrokenAuthFiles(t *testing.T) {
	for _, text := range []string{
		"{", "[]", `{"auths":1}`, `{"auths":{"x":{"auth":"%"}}}`, `{"auths":{"a.example":{"auth":"dQ=="}}}`,
		`{"credsStore":{}}`,
	} {
		file := writeFile(t, filepath.Join(t.TempDir(), "auth.json"), text)
		c, err := registry.FindCredentials(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"a.example", "x"} {
			if _, _, lookupErr := c.Lookup(context.Background(), host, "r"); lookupErr != nil {
				err = lookupErr
			}
		}
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v, want one that names the file", text, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, " 7 ": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
		fmt.Sprint(1 << 40): 1 << 20 * time.Second,
	} {
		if got := registry.RetryAfter(value, now); got != want {
			t.Errorf("RetryAfter(%q) = %s, want %s", value, got, want)
		}
	}
}

// FuzzParseAuthFile checks that no credentials file panics.
func FuzzParseAuthFile(f *testing.F) {
	f.Add([]byte(auths("ghcr.io", "u")))
	f.Add([]byte(`{"auths":{"x":{"auth":"dTpw"}},"credHelpers":{"a":"b"},"credsStore":"c","x":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := registry.ParseAuthFile(data)
		if err == nil && (file.Auths == nil) {
			t.Error("no error and no entries")
		}
	})
}

// FuzzSameKey checks that a key applies to its own host only.
func FuzzSameKey(f *testing.F) {
	f.Add("https://ghcr.io/v1/", "ghcr.io")
	f.Add("ghcr.io/org", "ghcr.io")
	f.Fuzz(func(t *testing.T, have, want string) {
		if registry.SameKey(have, want) && !strings.Contains(have, want) && !strings.Contains(want, "docker.io") {
			t.Errorf("the key %q applies to %q", have, want)
		}
	})
}
