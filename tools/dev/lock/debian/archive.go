package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ulikunitz/xz"
)

// maxFile bounds every file that is fetched; the largest real one is libllvm with some 30 MB.
const maxFile = 1 << 30

// Archive fetches the files of one mirror.
type Archive struct {
	Mirror  string // base URL, without slash at its end
	Cache   string // directory for what was fetched, by its sha256
	Keyring string // of gpgv; empty: signatures are not verified
	Client  *http.Client
}

// Index fetches and verifies the package index of a suite's main component for an architecture.
func (a *Archive) Index(ctx context.Context, suite, arch string) (*Index, error) {
	release, err := a.get(ctx, "dists/"+suite+"/InRelease")
	if err != nil {
		return nil, err
	}
	if release, err = a.verify(ctx, release); err != nil {
		return nil, fmt.Errorf("verifying the signature of suite %q: %w", suite, err)
	}
	sums, err := ParseRelease(release)
	if err != nil {
		return nil, err
	}
	path := "main/binary-" + arch + "/Packages.xz"
	sum, found := sums[path]
	if !found {
		return nil, fmt.Errorf("suite %q has no index for architecture %q", suite, arch)
	}
	file, err := a.Fetch(ctx, "dists/"+suite+"/"+path, sum)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	text, err := xz.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return ParsePackages(text)
}

// Fetch returns the path of a local copy of one of the mirror's files, whose size and sha256 were verified.
func (a *Archive) Fetch(ctx context.Context, path string, sum Sum) (string, error) {
	file := filepath.Join(a.Cache, sum.SHA256)
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	data, err := a.get(ctx, path)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(data)
	if got := hex.EncodeToString(digest[:]); got != sum.SHA256 || int64(len(data)) != sum.Size {
		return "", fmt.Errorf("fetching %s: got %d bytes with sha256 %s, the index says %d and %s", path, len(data), got,
			sum.Size, sum.SHA256)
	}
	if err := os.MkdirAll(a.Cache, 0o755); err != nil {
		return "", err
	}
	temporary, err := os.CreateTemp(a.Cache, "fetch-*")
	if err != nil {
		return "", err
	}
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temporary.Name()))
	}
	return file, nil
}

func (a *Archive) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Mirror+"/"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", path, err)
	}
	response, err := a.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: the mirror answers %s", path, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxFile))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", path, err)
	}
	return data, nil
}

// verify returns the signed text of a clear-signed file, and nothing around it.
func (a *Archive) verify(ctx context.Context, signed []byte) ([]byte, error) {
	if a.Keyring == "" {
		return signed, nil
	}
	command := exec.CommandContext(ctx, "gpgv", "--quiet", "--keyring", a.Keyring, "--output", "-", "-")
	command.Stdin = bytes.NewReader(signed)
	var text, stderr bytes.Buffer
	command.Stdout, command.Stderr = &text, &stderr
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("running gpgv: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return text.Bytes(), nil
}
