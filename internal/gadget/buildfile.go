package gadget

import (
	"fmt"
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// Defaults of build.yaml.
const (
	// BuildFileName is the usual name of the build file.
	BuildFileName = "build.yaml"
	// DefaultSource is the source when build.yaml names none.
	DefaultSource = "program.bpf.c"
	// MaxBuildFile is the largest build.yaml that is read, in bytes.
	MaxBuildFile = 1 << 20
)

// BuildFile is the typed content of build.yaml. Paths are slash-separated,
// clean, relative to the build file, and do not leave its directory.
type BuildFile struct {
	// Source is the C source. When it is not Named and not there, the gadget
	// has no program. It is empty when build.yaml says so.
	Source NamedPath
	// Metadata is gadget.yaml, which may be missing when it is not Named.
	Metadata NamedPath
	// Wasm is a .wasm, .go or .rs file; empty means none.
	Wasm NamedPath
	// CFlags are extra flags of the compiler, all of them allowed ones.
	CFlags []string
	// Archs are the architectures to build for; empty means all supported.
	Archs []arch.Arch
	// Includes are directories for headers, searched after the gadget's own.
	Includes []NamedPath
	// File is the name of the build file, for messages.
	File string
}

// NamedPath is a path of build.yaml and whether it is written there.
type NamedPath struct {
	Path  string
	Named bool
	// Line is where it is written; 0 when it is not.
	Line int
}

// ParseBuildFile reads build.yaml from data; name is for messages. Empty data
// give the defaults. The BuildFile is never nil.
func ParseBuildFile(data []byte, name string) (*BuildFile, Problems) {
	b := &BuildFile{
		Source:   NamedPath{Path: DefaultSource},
		Metadata: NamedPath{Path: ConfigFile},
		File:     name,
	}
	r := &buildReader{yamlReader{file: name}, b}
	if len(data) > MaxBuildFile {
		r.fail(nil, "it has %d bytes, the limit is %d", len(data), MaxBuildFile)
		return b, r.problems
	}
	r.keyed(r.document(data), name, buildKeys, map[string]func(*yaml.Node){
		"ebpfsource": r.path(&b.Source, "ebpfsource"),
		"metadata":   r.path(&b.Metadata, "metadata"),
		"wasm":       r.wasm,
		"cflags":     r.cflags,
		"archs":      r.archs,
		"includes":   r.includes,
	})
	return b, r.problems.sorted()
}

// BuildsFor reports whether the build file allows a.
func (b *BuildFile) BuildsFor(a arch.Arch) bool {
	for _, x := range b.Archs {
		if x == a {
			return true
		}
	}
	return len(b.Archs) == 0
}

type buildReader struct {
	yamlReader
	b *BuildFile
}

func (r *buildReader) path(dst *NamedPath, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !isNull(n) {
			*dst = r.named(n, what)
		}
	}
}

// named reads a path; an empty one stays empty.
func (r *buildReader) named(n *yaml.Node, what string) NamedPath {
	text := r.text(n, what)
	out := NamedPath{Named: text != "", Line: n.Line}
	if text == "" {
		return out
	}
	p, err := insidePath(text)
	if err != nil {
		r.fail(n, "%s is %q, %v", what, text, err)
		return out
	}
	out.Path = p
	return out
}

func (r *buildReader) wasm(n *yaml.Node) {
	r.path(&r.b.Wasm, "wasm")(n)
	switch ext := path.Ext(r.b.Wasm.Path); ext {
	case ".wasm", ".go", ".rs", "":
		if ext != "" || r.b.Wasm.Path == "" {
			return
		}
	}
	r.fail(n, "wasm is %q, name a .wasm, .go or .rs file", r.b.Wasm.Path)
}

func (r *buildReader) archs(n *yaml.Node) {
	for i, text := range r.list(n, "archs") {
		a, err := arch.Parse(text)
		if err != nil {
			r.fail(resolve(n).Content[i], "archs has %q, use amd64 or arm64", text)
			continue
		}
		r.b.Archs = append(r.b.Archs, a)
	}
	if !isNull(n) && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fail(n, "archs is empty, name one or leave the key out")
	}
}

func (r *buildReader) includes(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.list(n, "includes")
		return
	}
	for _, item := range n.Content {
		p := r.named(resolve(item), "includes")
		if !p.Named {
			r.fail(item, "includes has an empty path, name a directory inside the gadget's")
		}
		r.b.Includes = append(r.b.Includes, p)
	}
}

func (r *buildReader) cflags(n *yaml.Node) {
	var flags []string
	if !isNull(n) && n.Kind == yaml.ScalarNode {
		words, err := splitWords(n.Value)
		if err != nil {
			r.fail(n, "cflags: %v", err)
			return
		}
		flags = words
	} else {
		flags = r.list(n, "cflags")
	}
	for i, f := range flags {
		at := n
		if n.Kind == yaml.SequenceNode {
			at = n.Content[i]
		}
		if err := CheckCFlag(f); err != nil {
			r.fail(at, "cflags: %v", err)
			continue
		}
		r.b.CFlags = append(r.b.CFlags, f)
	}
}

// insidePath returns p cleaned, or an error when it can leave the directory that
// it is relative to, or could be taken for a flag.
func insidePath(p string) (string, error) {
	clean := path.Clean(p)
	switch {
	case strings.ContainsAny(p, "\\\x00\n"):
		return "", fmt.Errorf("it has a backslash or a control character, use a plain path")
	case path.IsAbs(p):
		return "", fmt.Errorf("it is absolute, name a path inside the gadget's directory")
	case clean == "..", strings.HasPrefix(clean, "../"):
		return "", fmt.Errorf("it leaves the gadget's directory, name a path inside it")
	case strings.HasPrefix(clean, "-"):
		return "", fmt.Errorf("it begins with a dash, rename the file")
	case clean != "." && !action.CleanName(clean):
		return "", fmt.Errorf("it is not a clean path")
	}
	return clean, nil
}
