package consumer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// programs are those of a release that the rules run, by name, as Go packages.
var programs = map[string]string{
	"gadget-push": "tools/push", "gadget-run": "runner", "gadget-tools": "tools/gadget-tools",
}

// lockFile is the lock file of tools.
type lockFile struct {
	Format   int                              `json:"format"`
	Version  string                           `json:"version"`
	Programs map[string]map[string]lockedFile `json:"programs"`
}

type lockedFile struct {
	URLs      []string `json:"urls"`
	SHA256    string   `json:"sha256"`
	Signature string   `json:"signature"`
}

// release has programs as a release would, and its key.
type release struct {
	key  *sign.PrivateKey
	lock lockFile
}

// newRelease builds the programs for this machine and locks them by the URLs of files.
func newRelease(t *testing.T) *release {
	t.Helper()
	if os.Getenv("CONSUMER_TEST_DIR") == "" {
		t.Skip("needs a directory for programs, run it with tools/dev/consumer")
	}
	checkout, dir := os.Getenv("CONSUMER_TEST_CHECKOUT"), filepath.Join(os.Getenv("CONSUMER_TEST_DIR"), "release")
	secret, _, err := sign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{lock: lockFile{Format: 1, Version: "0.1.0", Programs: map[string]map[string]lockedFile{}}}
	if r.key, err = sign.ParsePrivateKey(secret, func() ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	for name, pkg := range programs {
		file := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+pkg)
		cmd.Dir, cmd.Env = checkout, append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS=linux")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", name, err, out)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r.lock.Programs[name] = map[string]lockedFile{"linux/amd64": r.locked(t, "file://"+file, data)}
	}
	return r
}

// locked is the entry of a file.
func (r *release) locked(t *testing.T, url string, data []byte) lockedFile {
	t.Helper()
	signature, err := sign.SignBlob(data, r.key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return lockedFile{
		URLs: []string{url}, SHA256: hex.EncodeToString(sum[:]), Signature: strings.TrimSpace(string(signature)),
	}
}

// with returns the text of the lock file, with another entry for gadget-tools.
func (r *release) with(t *testing.T, platform string, entry lockedFile) string {
	t.Helper()
	lock := r.lock
	lock.Programs = maps.Clone(lock.Programs)
	lock.Programs["gadget-tools"] = map[string]lockedFile{platform: entry}
	return text(t, lock)
}

func text(t *testing.T, lock lockFile) string {
	t.Helper()
	data, err := json.Marshal(lock)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
