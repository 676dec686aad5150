package attest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
)

// Sums are the hashes of a go.sum, by module and version.
type Sums map[string]string

// ParseSums reads a go.sum. Lines that are none of it are ignored.
func ParseSums(text []byte) Sums {
	sums := Sums{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			sums[f[0]+" "+f[1]] = strings.TrimPrefix(f[2], "h1:")
		}
	}
	return sums
}

// Module returns a Go module as a material with the hash of go.sum.
func (s Sums) Module(path, version string) (Material, error) {
	raw, err := base64.StdEncoding.DecodeString(s[path+" "+version])
	if err != nil || len(raw) == 0 {
		return Material{}, fmt.Errorf("go.sum has no hash of %s %s, run go mod tidy", path, version)
	}
	return Material{
		Kind: Module, Name: path, Version: version,
		Digest: digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(raw)),
	}, nil
}

// ParsePackages reads the JSON list of packages that a repository of the toolchain
// has, which has no hosts: those are a matter of the mirror.
func ParsePackages(kind Kind, data []byte) ([]Material, error) {
	var packages []struct{ Name, Version, URL, SHA256 string }
	if err := json.Unmarshal(data, &packages); err != nil {
		return nil, err
	}
	var all []Material
	for _, p := range packages {
		all = append(all, Material{
			Kind: kind, Name: p.Name, Version: p.Version, URI: p.URL,
			Digest: digest.NewDigestFromEncoded(digest.SHA256, p.SHA256),
		})
	}
	return all, nil
}
