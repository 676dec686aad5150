// Package assemble turns a gadget's directory into objects, a wasm module, manifests
// and a layout. The Bazel actions and the command line share it, so that both
// give the same digest.
package assemble

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// Directory is a gadget's directory. Under Bazel only the files that it lists as
// Inputs exist; some of them may be generated and be elsewhere.
type Directory struct {
	// Dir is the path of the directory, relative to the working directory under
	// Bazel.
	Dir string
	// BuildFile is the path of build.yaml; empty means the one in Dir, if any.
	BuildFile string
	// Inputs are the paths of the files that belong to the gadget; nil means
	// all that are in Dir.
	Inputs []string
}

// ReadBuildFile returns the parsed build file, the defaults if none exists.
func (f Directory) ReadBuildFile() (*gadget.BuildFile, error) {
	name := f.BuildFile
	if name == "" {
		found, ok, err := f.locate(gadget.BuildFileName)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", gadget.BuildFileName, err)
		}
		if !ok {
			b, _ := gadget.ParseBuildFile(nil, gadget.BuildFileName)
			return b, nil
		}
		name = found
	}
	data, err := action.ReadFile(name, gadget.MaxBuildFile)
	if err != nil {
		return nil, fmt.Errorf("reading build file: %w", err)
	}
	b, problems := gadget.ParseBuildFile(data, name)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("reading build file: %w", err)
	}
	return b, nil
}

// find returns the path of p, and false when it is missing although no build
// named it. Missing and named is an error.
func (f Directory) find(b *gadget.BuildFile, key string, p gadget.NamedPath) (string, bool, error) {
	if p.Path == "" {
		return "", false, nil
	}
	found, ok, err := f.locate(f.relative(p.Path))
	switch {
	case err != nil:
		return "", false, fmt.Errorf("%s:%d: %s: %w", b.File, p.Line, key, err)
	case ok:
		return found, true, nil
	case p.Named:
		return "", false, fmt.Errorf("%s:%d: %s names %q, but %s has no such file", b.File, p.Line, key, p.Path, f.owner())
	}
	return "", false, nil
}

// owner is what holds the files, for messages.
func (f Directory) owner() string {
	if f.Inputs != nil {
		return "the gadget (its 'srcs')"
	}
	return fmt.Sprintf("%q", f.Dir)
}

// relative turns a path of build.yaml into one relative to Dir.
func (f Directory) relative(p string) string {
	if f.BuildFile == "" {
		return p
	}
	rel, ok := f.gadgetPath(f.BuildFile)
	if !ok {
		return p
	}
	return path.Join(path.Dir(rel), p)
}

// generatedMark precedes the workspace path in the path of a generated file.
const generatedMark = "/bin/"

// workspacePath returns the path of an input in the workspace, also of a generated
// one, which lies below <output directory>/bin.
func workspacePath(input string) string {
	input = path.Clean(filepath.ToSlash(input))
	if strings.HasPrefix(input, "bazel-out/") {
		if _, rest, ok := strings.Cut(input, generatedMark); ok {
			return rest
		}
	}
	return input
}

// gadgetPath returns the path of an input relative to the directory, for a source
// below Dir and for a generated file below <output directory>/bin/Dir.
func (f Directory) gadgetPath(input string) (string, bool) {
	dir := path.Clean(filepath.ToSlash(f.Dir))
	input = workspacePath(input)
	if dir == "." {
		return input, !path.IsAbs(input)
	}
	return strings.CutPrefix(input, dir+"/")
}

// locate returns the file that rel means and whether it is there.
func (f Directory) locate(rel string) (string, bool, error) {
	if f.Inputs == nil {
		name := filepath.Join(f.Dir, filepath.FromSlash(rel))
		if _, err := os.Stat(name); err != nil {
			if os.IsNotExist(err) {
				return "", false, nil
			}
			return "", false, err
		}
		return name, true, checkInside(f.Dir, rel)
	}
	for _, input := range f.Inputs {
		if got, ok := f.gadgetPath(input); ok && got == rel {
			root := strings.TrimSuffix(strings.TrimSuffix(filepath.ToSlash(input), rel), "/")
			return input, true, checkInside(root, rel)
		}
	}
	return "", false, nil
}

// roots returns Dir and, when some inputs are generated, the directories that
// take its place among the outputs.
func (f Directory) roots() []string {
	out := []string{path.Clean(filepath.ToSlash(f.Dir))}
	seen := map[string]bool{out[0]: true}
	for _, input := range f.Inputs {
		rel, ok := f.gadgetPath(input)
		if !ok {
			continue
		}
		root := path.Clean(strings.TrimSuffix(filepath.ToSlash(input), rel))
		if !seen[root] {
			seen[root] = true
			out = append(out, root)
		}
	}
	return out
}

// rootOf returns the one of roots that name, a cleaned path, is in.
func (f Directory) rootOf(name string) (string, bool) {
	for _, root := range f.roots() {
		if below(root, name) {
			return root, true
		}
	}
	return "", false
}

// checkIncludes returns an error when a directory that the build file names for
// headers has no file, or is a link out of the gadget's.
func (f Directory) checkIncludes(b *gadget.BuildFile) error {
	for _, include := range b.Includes {
		rel := f.relative(include.Path)
		found := slices.ContainsFunc(f.Inputs, func(input string) bool {
			inner, ok := f.gadgetPath(input)
			return ok && below(rel, inner)
		})
		if f.Inputs == nil {
			info, err := os.Stat(filepath.Join(f.Dir, filepath.FromSlash(rel)))
			found = err == nil && info.IsDir()
		}
		if !found {
			return fmt.Errorf("%s:%d: includes names %q, but %s has no such directory", b.File, include.Line, include.Path,
				f.owner())
		}
		if f.Inputs != nil {
			continue
		}
		if err := checkInside(f.Dir, rel); err != nil {
			return fmt.Errorf("%s:%d: includes: %w", b.File, include.Line, err)
		}
	}
	return nil
}

// maxSandboxHops is how many layers of links a build sandbox puts before the
// real file.
const maxSandboxHops = 8

// checkInside returns an error when root/rel is, by a link, a file outside of
// root. A sandbox makes every file a link to the same path below another
// root; such links are followed first.
func checkInside(root, rel string) error {
	if root == "" {
		root = "."
	}
	dir, suffix := root, "/"+path.Join(filepath.ToSlash(root), rel)
	for range maxSandboxHops {
		realRoot, err := filepath.EvalSymlinks(root)
		if err != nil {
			return err
		}
		real, err := filepath.EvalSymlinks(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(realRoot, real)
		if err == nil && filepath.IsLocal(inside) {
			return nil
		}
		target, err := os.Readlink(filepath.Join(root, rel))
		if err != nil {
			break
		}
		next, ok := strings.CutSuffix(filepath.ToSlash(target), suffix)
		if !ok || !filepath.IsAbs(target) {
			break
		}
		root = filepath.Join(next, dir)
	}
	return fmt.Errorf("%q is a link out of the gadget's directory, copy the file into it", rel)
}
