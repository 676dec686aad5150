package registry

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// Limits of the parts of a reference, as the OCI distribution specification
// and the registries in the field have them.
const (
	maxRepository = 255
	maxTag        = 128
	maxReference  = 1024
)

const (
	dockerHub       = "docker.io"
	dockerHubIndex  = "index.docker.io"
	dockerHubPrefix = "library"
	defaultTag      = "latest"
)

var (
	hostPattern = regexp.MustCompile(
		`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)
	repositoryPattern = regexp.MustCompile(
		`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	digestPattern = regexp.MustCompile(`^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

// Defaults is where a reference without a registry belongs. The zero value
// means docker.io, with "library" for names of one component.
type Defaults struct {
	Registry string // host[:port]
	Prefix   string // repository directory of names of one component, without slashes at its ends
}

// Reference names an artifact: [registry/][repository/]name[:tag][@digest].
// At least one of Tag and Digest is set; where both are, Digest decides and
// Tag must agree with it.
type Reference struct {
	Registry   string // host[:port], "docker.io" for Docker Hub
	Repository string // "gadgets/trace_open"
	Tag        string // "v1"
	Digest     string // "sha256:..."
}

// ParseReference parses s and completes it with d, and with the tag "latest"
// when it has neither tag nor digest.
func ParseReference(s string, d Defaults) (Reference, error) {
	if len(s) > maxReference {
		return Reference{}, fmt.Errorf("reference of %d bytes is too long, at most %d are allowed", len(s), maxReference)
	}
	rest, dig, hasDigest := strings.Cut(s, "@")
	if hasDigest && !digestPattern.MatchString(dig) {
		return Reference{}, fmt.Errorf("reference %q: %q is not a digest, use sha256: and 64 hexadecimal digits", s, dig)
	}
	path, tag := cutTag(rest)
	if strings.HasSuffix(rest, ":") {
		return Reference{}, fmt.Errorf("reference %q: the tag is empty, write one after the colon or leave the colon out", s)
	}
	if tag != "" && !validTag(tag) {
		return Reference{}, fmt.Errorf("reference %q: %q is not a tag, use at most %d letters, digits, '_', '.' and '-'", s,
			tag, maxTag)
	}
	if registryAlone(path, tag) {
		return Reference{}, fmt.Errorf("reference %q is a registry without a repository, write %s/NAME", s,
			strings.TrimSuffix(rest, "/"))
	}
	r, err := parseName(path, d)
	if lower := (*upperCaseError)(nil); errors.As(err, &lower) {
		lower.after = strings.TrimPrefix(s, path)
	}
	if err != nil {
		return Reference{}, fmt.Errorf("reference %q: %w", s, err)
	}
	r.Tag, r.Digest = tag, dig
	if tag == "" && dig == "" {
		r.Tag = defaultTag
	}
	return r, nil
}

// ParseRepository parses a repository, which has neither tag nor digest. The
// result is complete once one of them is set.
func ParseRepository(s string, d Defaults) (Reference, error) {
	if strings.Contains(s, "@") {
		return Reference{}, fmt.Errorf("repository %q has a digest, leave it out", s)
	}
	if host, port := cutTag(s); port != "" && !strings.Contains(s, "/") && strings.Trim(port, "0123456789") == "" {
		return Reference{}, fmt.Errorf("repository %q is a registry without a repository, write %s/NAME", s, host+":"+port)
	}
	if _, tag := cutTag(s); tag != "" {
		return Reference{}, fmt.Errorf("repository %q has the tag %q, pass the tag separately", s, tag)
	}
	if len(s) > maxReference {
		return Reference{}, fmt.Errorf("repository of %d bytes is too long, at most %d are allowed", len(s), maxReference)
	}
	r, err := parseName(s, d)
	if err != nil {
		return Reference{}, fmt.Errorf("repository %q: %w", s, err)
	}
	return r, nil
}

// registryAlone reports whether the user wrote a registry and nothing after it: a
// name that ends with a slash, or localhost or an address with a port.
func registryAlone(path, tag string) bool {
	if name, ok := strings.CutSuffix(path, "/"); ok {
		return name != "" && !strings.Contains(name, "/")
	}
	port := tag != "" && strings.Trim(tag, "0123456789") == ""
	return port && (path == "localhost" || net.ParseIP(strings.Trim(path, "[]")) != nil)
}

// cutTag splits "host:port/name:tag" at the colon of the tag.
func cutTag(s string) (path, tag string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.Contains(s[i:], "/") {
		return s, ""
	}
	return s[:i], s[i+1:]
}

func validTag(tag string) bool { return len(tag) <= maxTag && tagPattern.MatchString(tag) }

func parseName(path string, d Defaults) (Reference, error) {
	var r Reference
	first, rest, slash := strings.Cut(path, "/")
	if slash && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first) {
		r.Registry, r.Repository = first, rest
	} else {
		r = underDefaults(path, d)
	}
	if r.Registry == dockerHubIndex {
		r.Registry = dockerHub
	}
	if r.Registry == dockerHub && !strings.Contains(r.Repository, "/") {
		r.Repository = dockerHubPrefix + "/" + r.Repository
	}
	switch {
	case path == "":
		return r, fmt.Errorf("the name is empty, write [registry/]name[:tag]")
	case strings.HasPrefix(r.Registry+"/", "docker:/"), strings.HasPrefix(r.Registry+"/", "https:/"),
		strings.HasPrefix(r.Registry+"/", "http:/"):
		return r, fmt.Errorf("it has a scheme, leave %q out", r.Registry+"//")
	case badPort(r.Registry):
		return r, fmt.Errorf("%q has a port that is out of range, use 1 to 65535", r.Registry)
	case !hostPattern.MatchString(r.Registry):
		return r, fmt.Errorf("%q is not a registry, write host[:port]", r.Registry)
	case len(r.Repository) > maxRepository:
		return r, fmt.Errorf("the repository is longer than %d bytes", maxRepository)
	case !repositoryPattern.MatchString(r.Repository) && repositoryPattern.MatchString(strings.ToLower(r.Repository)):
		return r, &upperCaseError{path: path, lower: lowerCase(path, r.Repository)}
	case !repositoryPattern.MatchString(r.Repository):
		return r, fmt.Errorf("%q is not a repository name, use lower case letters and digits, separated by '.', '_', '-' "+
			"and '/'", r.Repository)
	}
	return r, nil
}

// upperCaseError names what was meant, with the tag and the digest that stood after
// the path.
type upperCaseError struct{ path, lower, after string }

func (e *upperCaseError) Error() string {
	return fmt.Sprintf("%q has upper case letters, did you mean %q?", e.path, e.lower+e.after)
}

// lowerCase returns path, as the user wrote it, with a repository in lower case. What
// precedes that and is not like a host is meant to be of the repository.
func lowerCase(path, repository string) string {
	registry, found := strings.CutSuffix(path, repository)
	if !found || !strings.ContainsAny(registry, ".:") {
		return strings.ToLower(path)
	}
	return registry + strings.ToLower(repository)
}

// badPort reports whether the port of a host is a number that no port has.
func badPort(host string) bool {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || !hostPattern.MatchString(host) {
		return false
	}
	port, err := strconv.Atoi(host[i+1:])
	return err == nil && (port < 1 || port > 65535)
}

func underDefaults(path string, d Defaults) Reference {
	r := Reference{Registry: d.Registry, Repository: path}
	if r.Registry == "" {
		r.Registry = dockerHub
	}
	if d.Prefix != "" && !strings.Contains(path, "/") {
		r.Repository = d.Prefix + "/" + path
	}
	return r
}

// Name is the registry and the repository: "ghcr.io/gadgets/trace_open".
func (r Reference) Name() string { return r.Registry + "/" + r.Repository }

// String is the complete reference, which ParseReference reads back.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Pinned is the reference by digest alone, without a tag.
func (r Reference) Pinned(digest string) string { return r.Name() + "@" + digest }

// identifier is what the protocol's manifest requests take: the digest where
// there is one, else the tag.
func (r Reference) identifier() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// host is the address that serves Registry.
func host(registry string) string {
	if registry == dockerHub {
		return dockerHubIndex
	}
	return registry
}
