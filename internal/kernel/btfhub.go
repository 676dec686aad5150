package kernel

import (
	"slices"
	"strings"
)

// codenames holds, by distribution and VERSION_ID, the directory names that
// btfhub archives use in addition to or instead of the number.
var codenames = map[string]map[string]string{
	"amzn":   {"2018.03": "2018", "2017.09": "2018", "2017.03": "2018"},
	"debian": {"9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"},
	"ubuntu": {"16.04": "xenial", "18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble"},
}

// BTFHubVersions returns the directory names that a btfhub archive may use for
// the identity's distribution version, best first: VERSION_ID itself, the
// name from the table of codenames, the major number alone (ol, rhel). It is
// empty when the version is not known.
func (id Identity) BTFHubVersions() []string {
	var versions []string
	add := func(v string) {
		if validDirectory(v) && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	add(id.Version)
	add(codenames[id.Distro][id.Version])
	major, _, _ := strings.Cut(id.Version, ".")
	add(major)
	add(codenames[id.Distro][major])
	return versions
}

// BTFHubCandidates returns the paths in a btfgen layer or an unpacked archive
// where BTF for this kernel may be, best first:
// "<distro>/<version>/<arch>/<release>.btf" with btfhub's spelling of version
// and arch. It is empty when a part is missing or cannot be a directory name.
func (id Identity) BTFHubCandidates() []string {
	if !validDirectory(id.Distro) || !validRelease(id.Release) || !id.Arch.Supported() {
		return nil
	}
	var paths []string
	for _, v := range id.BTFHubVersions() {
		paths = append(paths, strings.Join([]string{id.Distro, v, id.Arch.BTFHub(), id.Release + ".btf"}, "/"))
	}
	return paths
}

// validDirectory reports whether s can be the name of one directory of an archive.
func validDirectory(s string) bool { return validRelease(s) && !strings.ContainsAny(s, "\\") }
