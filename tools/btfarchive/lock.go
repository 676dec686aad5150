package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
)

const (
	lockFormat    = 1
	archiveSuffix = ".btf.tar.xz"
	shardDepth    = 3 // <distro>/<version>/<arch>
)

// lock is the command that writes a lock file.
type lock struct {
	URL []string `name:"url" required:"" sep:"none" placeholder:"BASE" help:"Where the directory can be fetched from; paths in it are appended. Several are tried in order."`
	Dir string   `arg:"" name:"dir" type:"existingdir" help:"Archive directory, such as a checkout of btfhub-archive. Symbolic links in it are ignored."`
	Out string   `name:"out" short:"o" placeholder:"FILE" help:"Lock file; stdout by default."`
}

// lockFile is what the module extension btfhub reads.
type lockFile struct {
	Format int                    `json:"format"`
	Shards map[string][]lockEntry `json:"shards"`
}

// lockEntry is one archive.
type lockEntry struct {
	Release string   `json:"release"`
	URLs    []string `json:"urls"`
	SHA256  string   `json:"sha256"`
}

// run writes the lock file.
func (l *lock) run(stdout io.Writer) error {
	file := lockFile{Format: lockFormat, Shards: map[string][]lockEntry{}}
	err := filepath.WalkDir(l.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		release, ok := strings.CutSuffix(d.Name(), archiveSuffix)
		if !ok || !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(l.Dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		shard := rel[:max(0, strings.LastIndexByte(rel, '/'))]
		if !validShard(shard) {
			return fmt.Errorf("%q is not in <distro>/<version>/<arch> of the directory", rel)
		}
		entry, err := l.entry(path, rel, release)
		file.Shards[shard] = append(file.Shards[shard], entry)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the archive directory: %w", err)
	}
	for _, entries := range file.Shards {
		slices.SortFunc(entries, func(a, b lockEntry) int { return strings.Compare(a.Release, b.Release) })
	}
	data, err := action.JSON(file)
	if err != nil {
		return err
	}
	if l.Out != "" {
		return action.WriteFile(l.Out, data)
	}
	_, err = io.Copy(stdout, bytes.NewReader(data))
	return err
}

// validShard reports whether s is a shard in btfhub's spelling.
func validShard(s string) bool {
	parts := strings.Split(s, "/")
	return len(parts) == shardDepth && slices.ContainsFunc(arch.All(), func(a arch.Arch) bool {
		return a.BTFHub() == parts[2]
	})
}

// entry returns the lock of one archive.
func (l *lock) entry(path, rel, release string) (lockEntry, error) {
	f, err := os.Open(path)
	if err != nil {
		return lockEntry{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return lockEntry{}, err
	}
	e := lockEntry{Release: release, SHA256: hex.EncodeToString(h.Sum(nil))}
	escaped := (&url.URL{Path: rel}).EscapedPath()
	for _, base := range l.URL {
		e.URLs = append(e.URLs, strings.TrimSuffix(base, "/")+"/"+escaped)
	}
	return e, nil
}
