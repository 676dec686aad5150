package debian

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MirrorVariable is the environment variable that names the mirror to use.
const MirrorVariable = "DEBIAN_MIRROR"

var suiteNames = []string{
	"bullseye", "bookworm", "trixie", "forky", "duke", "sid",
	"oldoldstable", "oldstable", "stable", "testing", "unstable",
}

// Mirror returns the base URL of a Debian mirror: the environment's, else that of this machine's apt sources in
// directory (such as "/etc/apt").
func Mirror(directory string) (string, error) {
	if mirror := os.Getenv(MirrorVariable); mirror != "" {
		return strings.TrimSuffix(mirror, "/"), nil
	}
	files, err := filepath.Glob(filepath.Join(directory, "sources.list.d", "*"))
	if err != nil {
		return "", err
	}
	var mirrors []string
	for _, file := range append([]string{filepath.Join(directory, "sources.list")}, files...) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if filepath.Ext(file) == ".sources" {
			mirrors = append(mirrors, mirrorsOfDeb822(string(data))...)
		} else {
			mirrors = append(mirrors, mirrorsOfList(string(data))...)
		}
	}
	if len(mirrors) == 0 {
		return "", errors.New("finding a Debian mirror: none in this machine's apt sources, set " + MirrorVariable)
	}
	preferred := slices.IndexFunc(mirrors, func(m string) bool { return strings.HasSuffix(m, "/debian") })
	return mirrors[max(preferred, 0)], nil
}

// mirrorsOfDeb822 reads a *.sources file (man 5 sources.list, DEB822-STYLE FORMAT).
func mirrorsOfDeb822(text string) []string {
	var mirrors []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		fields := map[string][]string{}
		for _, line := range strings.Split(paragraph, "\n") {
			if name, value, found := strings.Cut(line, ":"); found && !strings.HasPrefix(line, "#") &&
				!strings.HasPrefix(line, " ") {
				fields[strings.ToLower(name)] = strings.Fields(value)
			}
		}
		if slices.Equal(fields["enabled"], []string{"no"}) || !slices.Contains(fields["types"], "deb") {
			continue
		}
		mirrors = append(mirrors, debianMirrors(fields["uris"], fields["suites"], fields["components"])...)
	}
	return mirrors
}

// mirrorsOfList reads a sources.list file (man 5 sources.list, ONE-LINE-STYLE FORMAT).
func mirrorsOfList(text string) []string {
	var mirrors []string
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "deb" {
			continue
		}
		words = words[1:]
		if strings.HasPrefix(words[0], "[") {
			end := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			words = words[end+1:]
		}
		if len(words) >= 3 {
			mirrors = append(mirrors, debianMirrors(words[:1], words[1:2], words[2:])...)
		}
	}
	return mirrors
}

func debianMirrors(uris, suites, components []string) []string {
	isSuite := func(s string) bool { return slices.Contains(suiteNames, s) }
	if !slices.ContainsFunc(suites, isSuite) || !slices.Contains(components, "main") {
		return nil
	}
	var mirrors []string
	for _, uri := range listed(uris) {
		if strings.HasPrefix(uri, "http://") || strings.HasPrefix(uri, "https://") {
			mirrors = append(mirrors, strings.TrimSuffix(uri, "/"))
		}
	}
	return mirrors
}

// listed replaces "mirror+file:" URIs (man 1 apt-transport-mirror) by what their files list.
func listed(uris []string) []string {
	var all []string
	for _, uri := range uris {
		path, found := strings.CutPrefix(uri, "mirror+file:")
		if !found {
			all = append(all, uri)
			continue
		}
		data, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
				all = append(all, words[0])
			}
		}
	}
	return all
}
