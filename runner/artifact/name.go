package artifact

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// registryTransport is the prefix of what is a reference in any case, as skopeo
// and podman write it.
const registryTransport = "docker://"

// pathTransports are the prefixes of paths: PREFIX PATH[:NAME]. What the path
// holds decides how it is read, not the prefix.
var pathTransports = []string{"oci:", "oci-archive:", "docker-archive:"}

// Name is what the user wrote to name an artifact: a path or a reference.
type Name struct {
	// Text is what the user wrote.
	Text string
	// Path is a layout or an archive; empty for a reference.
	Path string
	// Member names one of the artifacts of Path; empty for its only one.
	Member string
	// Digest is what the artifact must have; empty for any.
	Digest digest.Digest
	// Reference is empty for a path.
	Reference registry.Reference
}

// IsPath reports whether the name is that of a layout or an archive.
func (n Name) IsPath() bool { return n.Path != "" }

// ParseName distinguishes paths from references by their spelling alone: "./x", "../x",
// "/x", "oci:DIR[:NAME]" and "oci-archive:FILE[:NAME]" are paths, each with
// "@DIGEST" or without; all else is a reference, "docker://REF" too. A
// reference that is also the name of an existing layout or archive is an error,
// unless it has that prefix: only the user can decide which one is meant.
func ParseName(text string) (Name, error) {
	if rest, ok := strings.CutPrefix(text, registryTransport); ok {
		ref, err := parseReference(rest)
		return referenceName(text, ref), err
	}
	n := Name{Text: text}
	rest := text
	if i := strings.LastIndexByte(text, '@'); i > 0 && digest.Digest(text[i+1:]).Validate() == nil {
		rest, n.Digest = text[:i], digest.Digest(text[i+1:])
	}
	for _, t := range pathTransports {
		if path, ok := strings.CutPrefix(rest, t); ok {
			n.Path, n.Member, _ = strings.Cut(path, ":")
			if n.Path == "" {
				return n, cli.Usage(fmt.Errorf("%q names no path, write %sPATH[:NAME]", text, t))
			}
			return n, nil
		}
	}
	if spelledAsPath(rest) {
		n.Path = rest
		return n, nil
	}
	ref, err := parseReference(text)
	if isArtifact(rest) || isArtifact(text) {
		return n, cli.Usage(ambiguous(text, ref, err))
	}
	return referenceName(text, ref), err
}

func referenceName(text string, ref registry.Reference) Name {
	return Name{Text: text, Reference: ref, Digest: digest.Digest(ref.Digest)}
}

// Explain adds to err, of a reference that was not found, how the name was taken
// where the user may have meant a file or a registry.
func (n Name) Explain(err error) error {
	named := strings.TrimSuffix(n.Text, "@"+string(n.Digest))
	first, _, slash := strings.Cut(named, "/")
	switch {
	case err == nil || n.IsPath() || strings.HasPrefix(n.Text, registryTransport):
		return err
	case slash && !strings.ContainsAny(first, ".:") && first != "localhost", exists(n.Text):
		return fmt.Errorf("%w; %q was taken for a name in the registry %s, write \"./%s\" for a file", err, n.Text,
			n.Reference.Registry, n.Text)
	case !slash && strings.Contains(named, "."):
		return fmt.Errorf("%w; %q was taken for a repository of the registry %s, write \"./%s\" for a file or \"%s/NAME\" "+
			"for the registry %s", err, n.Text, n.Reference.Registry, n.Text, named, named)
	}
	return err
}

// exists reports whether the working directory has a file or directory of that name.
func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// spelledAsPath reports whether text can be a path only.
func spelledAsPath(text string) bool {
	return text == "." || text == ".." || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") ||
		strings.HasPrefix(text, "../")
}

// ambiguous is the error for a reference that a file has for its name.
func ambiguous(text string, ref registry.Reference, refErr error) error {
	if refErr != nil {
		return fmt.Errorf("%q is a file or a directory, write \"./%s\" to use it", text, text)
	}
	return fmt.Errorf("%q may be a file here or an artifact in a registry, write \"./%s\" for the file or \"%s%s\" for "+
		"the artifact",
		text, text, registryTransport, ref)
}

// isArtifact reports whether path is a layout or an archive, by a look at how it
// begins.
func isArtifact(path string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false
	case info.IsDir():
		_, err := os.Stat(filepath.Join(path, ocispec.ImageLayoutFile))
		return err == nil
	case !info.Mode().IsRegular():
		return false
	}
	f, err := action.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, tarMagicAt+len(tarMagic))
	n, _ := f.ReadAt(head, 0)
	return strings.HasPrefix(string(head[:n]), gzipMagic) || n == len(head) && string(head[tarMagicAt:]) == tarMagic
}

// How tars and gzipped files begin.
const (
	gzipMagic  = "\x1f\x8b"
	tarMagic   = "ustar"
	tarMagicAt = 257
)

// ParseReference parses what can only be a reference, of a command that has no
// use for a path.
func ParseReference(text string) (registry.Reference, error) {
	n, err := ParseName(text)
	if err == nil && n.IsPath() {
		err = cli.Usage(fmt.Errorf("%q is a path and this command takes references, put it into the store with "+
			"\"gadget-run image load\", "+
			"or into a registry with \"gadget-run image copy\"", text))
	}
	return n.Reference, err
}

// ParseNewName parses a name that the user gives to an artifact, so that no
// file can be meant.
func ParseNewName(text string) (registry.Reference, error) {
	if spelledAsPath(text) {
		return registry.Reference{}, cli.Usage(fmt.Errorf("%q is a path, the new name must be a reference: "+
			"[registry/]name[:tag]", text))
	}
	return parseReference(strings.TrimPrefix(text, registryTransport))
}

func parseReference(text string) (registry.Reference, error) {
	if text == "" {
		return registry.Reference{}, cli.Usage(errors.New("the name of the artifact is empty, write [registry/]name[:tag] " +
			"or a path"))
	}
	d, err := defaults()
	if err != nil {
		return registry.Reference{}, err
	}
	ref, err := registry.ParseReference(text, d)
	return ref, cli.Usage(err)
}

// ParsePath parses what can only be a path, however it is spelled.
func ParsePath(text string) Name {
	if n, err := ParseName(text); err == nil && n.IsPath() {
		return n
	}
	return Name{Text: text, Path: text}
}
