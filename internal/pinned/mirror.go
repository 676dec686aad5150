package pinned

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mirrorEnv is the base URL of a Debian mirror, in place of the machine's.
const mirrorEnv = "DEBIAN_MIRROR"

// mirrorList begins a URI that names a file with one URI a line
// (apt-transport-mirror(1)).
const mirrorList = "mirror+file:"

// ErrNoMirror means that nothing names a Debian mirror.
var ErrNoMirror = errors.New("the machine's apt sources name no Debian mirror, set DEBIAN_MIRROR to the base URL of " +
	"one")

// Mirrors returns the base URLs of the Debian mirrors to fetch from: the one
// that DEBIAN_MIRROR names, else those of the apt sources below etc ("/etc").
// Packages are pinned by digest, so a mirror needs to be reached, not trusted.
func Mirrors(etc fs.FS, getenv func(string) string) ([]string, error) {
	if m := getenv(mirrorEnv); m != "" {
		return []string{strings.TrimRight(m, "/")}, nil
	}
	names := []string{"apt/sources.list"}
	entries, _ := fs.ReadDir(etc, "apt/sources.list.d")
	for _, e := range entries {
		names = append(names, "apt/sources.list.d/"+e.Name())
	}
	var found []string
	for _, name := range names {
		data, err := fs.ReadFile(etc, name)
		if err != nil {
			continue
		}
		if strings.HasSuffix(name, ".sources") {
			found = append(found, deb822(string(data))...)
		} else if strings.HasSuffix(name, ".list") {
			found = append(found, oneLine(string(data))...)
		}
	}
	found = expand(etc, found)
	// Those of the main archive before security and others.
	slices.SortStableFunc(found, func(a, b string) int { return rank(a) - rank(b) })
	if len(found) == 0 {
		return nil, ErrNoMirror
	}
	return found, nil
}

func rank(mirror string) int {
	if strings.HasSuffix(mirror, "/debian") {
		return 0
	}
	return 1
}

// deb822 reads the URIs of a *.sources file (sources.list(5)).
func deb822(text string) []string {
	var uris []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(paragraph) {
			if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(name, "#") {
				fields[strings.ToLower(name)] = strings.TrimSpace(value)
			}
		}
		if fields["enabled"] != "no" && slices.Contains(strings.Fields(fields["types"]), "deb") {
			uris = append(uris, strings.Fields(fields["uris"])...)
		}
	}
	return uris
}

// oneLine reads the URIs of a sources.list file.
func oneLine(text string) []string {
	var uris []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if before, rest, ok := strings.Cut(line, "["); ok {
			_, after, _ := strings.Cut(rest, "]")
			line = before + after
		}
		if words := strings.Fields(line); len(words) >= 3 && words[0] == "deb" {
			uris = append(uris, words[1])
		}
	}
	return uris
}

// expand replaces lists of mirrors by what is in them, and drops what no
// HTTP client can fetch.
func expand(etc fs.FS, uris []string) []string {
	var all []string
	for _, uri := range uris {
		if file, ok := strings.CutPrefix(uri, mirrorList); ok {
			rel := strings.TrimPrefix(filepath.ToSlash(file), "/etc/")
			data, _ := fs.ReadFile(etc, rel)
			for line := range strings.Lines(string(data)) {
				if words := strings.Fields(line); len(words) > 0 {
					all = append(all, words[0])
				}
			}
			continue
		}
		all = append(all, uri)
	}
	var out []string
	for _, uri := range all {
		uri = strings.TrimRight(uri, "/")
		if strings.HasPrefix(uri, "http") && !slices.Contains(out, uri) {
			out = append(out, uri)
		}
	}
	return out
}

// HostMirrors are the mirrors of this machine.
func HostMirrors() ([]string, error) { return Mirrors(os.DirFS("/etc"), os.Getenv) }
