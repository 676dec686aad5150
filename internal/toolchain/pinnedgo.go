package toolchain

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/toolchain/lock"
)

// PinnedGoName is what users call the pinned Go toolchain.
const PinnedGoName = "pinned"

// proxyEnv lists Go module proxies, which have Go's toolchains as well.
const proxyEnv = "GOPROXY"

// The limits of the archive of a Go toolchain.
const (
	maxGoFiles = 1 << 16
	maxGoBytes = 1 << 30 // unpacked
)

// ErrNoProxy means that nothing names a Go module proxy.
var ErrNoProxy = errors.New("GOPROXY names no module proxy to fetch the pinned Go toolchain from, set it to the base " +
	"URL of one")

// goLock is go.json.
type goLock struct {
	Format   int    `json:"format"`
	Version  string `json:"version"`
	Machines map[arch.Arch]struct {
		// Path is the archive's path below a module proxy.
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"machines"`
}

// Proxies returns the base URLs of the Go module proxies that GOPROXY lists. The
// toolchain is pinned by digest, so that a proxy needs to be reached, not trusted.
func Proxies(getenv func(string) string) ([]string, error) {
	var out []string
	for _, proxy := range strings.FieldsFunc(getenv(proxyEnv), func(r rune) bool { return r == ',' || r == '|' }) {
		if proxy = strings.TrimRight(strings.TrimSpace(proxy), "/"); strings.HasPrefix(proxy, "http") {
			out = append(out, proxy)
		}
	}
	if len(out) == 0 {
		return nil, ErrNoProxy
	}
	return out, nil
}

// GoPackage returns the pinned Go toolchain for machines of architecture a. Its path
// is below a module proxy.
func GoPackage(a arch.Arch) (pinned.Package, error) {
	var l goLock
	if err := json.Unmarshal(lock.Go, &l); err != nil {
		return pinned.Package{}, fmt.Errorf("reading lock file: %w", err)
	}
	m, ok := l.Machines[a]
	if l.Format != pinned.LockFormat || !ok {
		return pinned.Package{}, fmt.Errorf("no Go toolchain is pinned for %s machines, name one with --go", a)
	}
	return pinned.Package{Name: "go", Version: l.Version, Path: m.Path, SHA256: m.SHA256, Size: m.Size}, nil
}

// Go returns the directory of the pinned Go toolchain, which is fetched and unpacked
// where the cache does not have it.
func (p Pinned) Go(ctx context.Context) (string, error) {
	pkg, err := GoPackage(p.Host)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(p.Cache, "go-"+pkg.Version+"-"+pkg.SHA256[:16])
	err = p.cache().Once(dir, func(tmp string) error {
		data, err := p.Fetch(ctx, pkg)
		if err != nil {
			return fmt.Errorf("fetching %s %s: %w", pkg.Name, pkg.Version, err)
		}
		return unpackGo(tmp, data)
	})
	if err != nil {
		return "", fmt.Errorf("getting the pinned Go toolchain: %w", err)
	}
	return dir, nil
}

// unpackGo writes the archive of a Go toolchain, as module proxies have it, into
// dir: what builds programs, without tests and without the sources of the commands.
func unpackGo(dir string, archive []byte) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	if len(r.File) > maxGoFiles {
		return fmt.Errorf("it has %d files, the limit is %d", len(r.File), maxGoFiles)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxGoBytes)
	for _, f := range r.File {
		module, name, ok := cutModule(f.Name)
		if !ok || module == "" || !builds(name) {
			continue
		}
		n, err := writeZipped(root, name, f, left)
		if err != nil {
			return fmt.Errorf("unpacking %q: %w", f.Name, err)
		}
		left -= n
	}
	return nil
}

// cutModule parts the name of a file from the module and version before it.
func cutModule(name string) (module, file string, ok bool) {
	at := strings.Index(name, "@")
	if at < 0 {
		return "", "", false
	}
	version, file, ok := strings.Cut(name[at:], "/")
	return name[:at] + version, file, ok && file != "" && !strings.HasSuffix(file, "/")
}

// builds reports whether a file of a Go toolchain is needed to build programs.
func builds(name string) bool {
	parts := strings.Split(name, "/")
	switch {
	case slices.Contains(parts, "testdata"), strings.HasSuffix(name, "_test.go"), strings.HasPrefix(name, "src/cmd/"):
		return false
	case len(parts) == 1:
		return true
	}
	return slices.Contains([]string{"bin", "pkg", "src", "lib"}, parts[0])
}

// writeZipped writes a file of at most limit bytes and returns how many it has.
// Modules have no file modes: programs are found by their directories.
func writeZipped(root *os.Root, name string, f *zip.File, limit int64) (int64, error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "pkg/tool/") {
		mode = 0o755
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("the archive has more than %d bytes", int64(maxGoBytes))
	}
	return n, errors.Join(err, out.Close())
}
