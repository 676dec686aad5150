package assemble

import (
	"path"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// CompileCommand is how a compiler or an editor reads a gadget's source.
type CompileCommand struct {
	// Source is the path of the source; empty for a gadget without program.
	Source string
	// Arguments are the compiler and its arguments, the source the last. What
	// concerns the object alone is left out.
	Arguments []string
}

// Command returns how Compile has clang read the source of req.
func Command(req CompileRequest) (CompileCommand, error) {
	c, err := newCompilation(req)
	if err != nil || c == nil {
		return CompileCommand{}, err
	}
	source, err := c.sourceArgs()
	if err != nil {
		return CompileCommand{}, err
	}
	return CompileCommand{
		Source: c.source, Arguments: slices.Concat([]string{req.Toolchain.Clang}, c.targetArgs(), source),
	}, nil
}

// args returns clang's command line, without what it is to make of the source.
func (c *compilation) args() ([]string, error) {
	source, err := c.sourceArgs()
	if err != nil {
		return nil, err
	}
	object := []string{
		"-g", "-fno-ident", "-fno-color-diagnostics", "-gdwarf-5", "-gembed-source", "-ffile-compilation-dir=.",
	}
	return slices.Concat(c.targetArgs(), object, c.prefixMaps(), source), nil
}

// targetArgs say what is compiled for, and where clang's own headers are.
func (c *compilation) targetArgs() []string {
	args := []string{
		"-target", "bpf", "-mcpu=v3", "-O2", "-Wall", "-D__TARGET_ARCH_" + c.req.Arch.Target(), "-nostdlibinc",
	}
	if dir := c.req.Toolchain.ResourceDir; dir != "" {
		args = append(args, "-resource-dir", dir)
	}
	return args
}

// sourceArgs are the directories of headers, the gadget's flags and the source.
func (c *compilation) sourceArgs() ([]string, error) {
	args := []string{}
	for _, root := range c.req.Directory.roots() {
		args = append(args, "-I"+dotted(root))
		for _, include := range c.build.Includes {
			args = append(args, "-I"+dotted(path.Join(root, c.req.Directory.relative(include.Path))))
		}
	}
	for _, flag := range slices.Concat(c.build.CFlags, c.req.CFlags) {
		if err := gadget.CheckCFlag(flag); err != nil {
			return nil, err
		}
		args = append(args, c.place(flag)...)
	}
	for _, dir := range c.req.Toolchain.SystemIncludes {
		args = append(args, "-isystem", dir)
	}
	return append(args, dotted(c.source)), nil
}

// dotted returns a path that names its directory, for prefix maps to find it: one
// without a directory gets "./".
func dotted(p string) string {
	switch {
	case p == ".":
		return "./"
	case !strings.Contains(p, "/"):
		return "./" + p
	}
	return p
}

// place makes the directory of a -I flag relative to the gadget's directory.
func (c *compilation) place(flag string) []string {
	dir, ok := strings.CutPrefix(flag, "-I")
	if !ok {
		return []string{flag}
	}
	out := []string{}
	for _, root := range c.req.Directory.roots() {
		out = append(out, "-I"+dotted(path.Join(root, c.req.Directory.relative(dir))))
	}
	return out
}

// What the object calls the directories of this machine. Where clang has not kept
// the text of a file it looks for it under such a name, and must not find one.
const (
	gadgetName  = "<gadget>/"
	includeName = "<include>/"
	clangName   = "<clang>/"
)

// prefixMaps returns the flags that keep the paths of this machine out of the
// object. Of several that match, clang takes the last, so the longest comes
// last. In debug information clang puts "./" before relative paths but not
// before absolute ones, which the map makes up for.
func (c *compilation) prefixMaps() []string {
	maps := map[string]string{}
	for _, dir := range c.req.Toolchain.SystemIncludes {
		maps[strings.TrimSuffix(dir, "/")+"/"] = includeName
	}
	for _, dir := range c.req.Toolchain.OwnIncludes {
		maps[strings.TrimSuffix(dir, "/")+"/"] = clangName
	}
	if dir := c.req.Toolchain.ResourceDir; dir != "" {
		maps[strings.TrimSuffix(dir, "/")+"/"] = clangName
	}
	for _, root := range c.req.Directory.roots() {
		maps[strings.TrimSuffix(root, "/")+"/"] = gadgetName
	}
	prefixes := []string{}
	for p := range maps {
		prefixes = append(prefixes, p)
	}
	slices.SortFunc(prefixes, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	out := []string{}
	for _, p := range prefixes {
		debug := maps[p]
		if path.IsAbs(p) {
			debug = "./" + debug
		}
		out = append(out, "-fmacro-prefix-map="+p+"="+maps[p], "-fdebug-prefix-map="+p+"="+debug)
	}
	return out
}
