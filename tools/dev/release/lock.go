package main

import (
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

const (
	// lockName is the lock file of tools, by which a workspace takes them from the release.
	lockName = "gadget_tools.lock.json"
	// lockFormat is what the rules read, in toolchain/private/tools_lock.bzl.
	lockFormat = 1
)

// toolsLock is the lock file of tools.
type toolsLock struct {
	Format   int                              `json:"format"`
	Version  string                           `json:"version"`
	Programs map[string]map[string]lockedFile `json:"programs"` // by name, then by platform
}

// lockedFile is a program for one platform.
type lockedFile struct {
	URLs      []string `json:"urls"`
	SHA256    string   `json:"sha256"`
	Signature string   `json:"signature"` // of the file, in base64
}

// toolsLock makes the lock file for the programs among files.
func (r *release) toolsLock(files []file) (file, error) {
	lock := toolsLock{Format: lockFormat, Version: r.tree.version, Programs: map[string]map[string]lockedFile{}}
	data := map[string][]byte{}
	for _, f := range files {
		data[f.name] = f.data
	}
	for _, p := range programs {
		if !p.tool {
			continue
		}
		lock.Programs[p.name] = map[string]lockedFile{}
		for _, arch := range archs {
			name := p.file(arch)
			signature, err := sign.SignBlob(data[name], r.key)
			if err != nil {
				return file{}, err
			}
			lock.Programs[p.name]["linux/"+arch] = lockedFile{
				URLs:      []string{fmt.Sprintf("%s/releases/download/%s/%s", homepage, r.tree.tag(), name)},
				SHA256:    digest.FromBytes(data[name]).Encoded(),
				Signature: strings.TrimSpace(string(signature)),
			}
		}
	}
	text, err := indented(lock)
	return file{lockName, text}, err
}
