package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

const packagesPath = "/dists/stable/main/binary-amd64/Packages.xz"

func compress(t testing.TB, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func sumOf(data []byte) Sum {
	digest := sha256.Sum256(data)
	return Sum{SHA256: hex.EncodeToString(digest[:]), Size: int64(len(data))}
}

// archiveOf serves files by path, and a Release file that names the package index.
func archiveOf(t testing.TB, files map[string][]byte) *Archive {
	t.Helper()
	index := sumOf(files[packagesPath])
	files["/dists/stable/InRelease"] = fmt.Appendf(nil, "SHA256:\n %s %d main/binary-amd64/Packages.xz\n", index.SHA256,
		index.Size)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, found := files[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(server.Close)
	return &Archive{Mirror: server.URL, Cache: filepath.Join(t.TempDir(), "cache"), Client: server.Client()}
}

func TestIndex(t *testing.T) {
	archive := archiveOf(t, map[string][]byte{packagesPath: compress(t, paragraph("a"))})
	index, err := archive.Index(context.Background(), "stable", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if index.Package("a") == nil {
		t.Error("the index lacks its package")
	}
}

func TestIndexErrors(t *testing.T) {
	tests := map[string]struct{ suite, arch, want string }{
		"unknown suite": {"unstable", "amd64", "answers 404"},
		"unknown arch":  {"stable", "arm64", `no index for architecture "arm64"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			archive := archiveOf(t, map[string][]byte{packagesPath: compress(t, paragraph("a"))})
			_, err := archive.Index(context.Background(), test.suite, test.arch)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestFetch(t *testing.T) {
	content := []byte("a package")
	files := map[string][]byte{"/pool/a.deb": content}
	archive := archiveOf(t, files)
	path, err := archive.Fetch(context.Background(), "pool/a.deb", sumOf(content))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("fetched %q, %v", got, err)
	}
	delete(files, "/pool/a.deb")
	if _, err := archive.Fetch(context.Background(), "pool/a.deb", sumOf(content)); err != nil {
		t.Errorf("a second fetch does not come out of the cache: %v", err)
	}
}

func TestFetchRefusesOtherBytes(t *testing.T) {
	archive := archiveOf(t, map[string][]byte{"/pool/a.deb": []byte("another package")})
	_, err := archive.Fetch(context.Background(), "pool/a.deb", sumOf([]byte("a package")))
	if err == nil || !strings.Contains(err.Error(), "the index says") {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(archive.Cache, "*")); len(left) > 0 {
		t.Errorf("the cache holds %q", left)
	}
}

func TestIndexRefusesUnsigned(t *testing.T) {
	if _, err := exec.LookPath("gpgv"); err != nil {
		t.Skip("needs gpgv")
	}
	archive := archiveOf(t, map[string][]byte{packagesPath: compress(t, paragraph("a"))})
	archive.Keyring = filepath.Join(t.TempDir(), "empty.gpg")
	if err := os.WriteFile(archive.Keyring, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := archive.Index(context.Background(), "stable", "amd64")
	if err == nil || !strings.Contains(err.Error(), "verifying the signature") {
		t.Errorf("error %v for a Release file without signature", err)
	}
}
