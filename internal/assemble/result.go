package assemble

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// maxDepfile is the largest depfile that is read, in bytes.
const maxDepfile = 16 << 20

// checkObject makes sure that the compiler made a BPF object with a program.
func checkObject(object []byte, source string) error {
	if err := gadget.CheckObject(object); err != nil {
		return fmt.Errorf("checking object of %q: %w", source, err)
	}
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return fmt.Errorf("checking object of %q: %w", source, err)
	}
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0 && s.Name != ".text" {
			return nil
		}
	}
	return fmt.Errorf("%s: it defines no program, put SEC(\"...\") before the function that is one", source)
}

// dependencies returns the files that the source and its headers name, after
// making sure that each is the gadget's or the toolchain's. Clang says nothing
// meanwhile, so that no line of another file is printed.
func (c *compilation) dependencies(ctx context.Context, args []string) (map[string]bool, error) {
	files := c.req.Directory.Inputs
	if files == nil {
		files = []string{c.req.Directory.Dir}
	}
	name := c.path("program.d")
	// -MG takes headers that are missing, which the compiler reports later.
	_, failed := c.clang(ctx, files, slices.Concat(args, []string{"-w", "-M", "-MG", "-MF", name}))
	if refused := (*CompileError)(nil); failed != nil && !errors.As(failed, &refused) {
		return nil, failed
	}
	deps, err := readDepfile(name)
	if errors.Is(err, fs.ErrNotExist) && failed != nil {
		return nil, failed // the source was not read
	}
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for dep := range deps {
		if _, err := os.Stat(dep); !errors.Is(err, fs.ErrNotExist) {
			named[c.req.Directory.nameOf(dep)] = true
		}
	}
	return named, c.checkDeps(named)
}

// nameOf returns the path by which the gadget names a file: clang follows links
// where it looks for what #embed names next to a source.
func (f Directory) nameOf(dep string) string {
	if !path.IsAbs(dep) {
		return dep
	}
	for _, name := range append(f.roots(), f.Inputs...) {
		real, err := filepath.EvalSymlinks(name)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			continue
		}
		if rest, ok := strings.CutPrefix(dep, real); ok && (rest == "" || rest[0] == '/') {
			return path.Clean(name + rest)
		}
	}
	return dep
}

// checkDeps returns an error when the source includes a file that is neither
// the gadget's nor the toolchain's: another machine would not have it.
func (c *compilation) checkDeps(deps map[string]bool) error {
	tc := c.req.Toolchain
	inputs := map[string]bool{}
	for _, input := range c.req.Directory.Inputs {
		inputs[path.Clean(input)] = true
	}
	toolchain := slices.Concat(tc.SystemIncludes, tc.OwnIncludes, []string{tc.ResourceDir})
	for _, dep := range slices.Sorted(maps.Keys(deps)) {
		if inputs[dep] || slices.ContainsFunc(toolchain, func(dir string) bool { return below(dir, dep) }) {
			continue
		}
		root, ok := c.req.Directory.rootOf(dep)
		if !ok {
			return fmt.Errorf("%s: it includes %q, which is outside of the gadget's directory, copy the file into it",
				c.source, dep)
		}
		if err := checkInside(root, strings.TrimPrefix(strings.TrimPrefix(dep, root), "/")); err != nil {
			return fmt.Errorf("%s: it includes %q: %w", c.source, dep, err)
		}
	}
	return nil
}

// below reports whether the cleaned path name is in dir.
func below(dir, name string) bool {
	dir = path.Clean(dir)
	return dir == "." && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") ||
		strings.HasPrefix(name, dir+"/")
}

// readDepfile returns the files that a depfile names as dependencies.
func readDepfile(name string) (map[string]bool, error) {
	data, err := action.ReadFile(name, maxDepfile)
	if err != nil {
		return nil, fmt.Errorf("reading depfile: %w", err)
	}
	return parseDepfile(data), nil
}

// parseDepfile returns the prerequisites in a make rule, cleaned.
func parseDepfile(data []byte) map[string]bool {
	text := strings.ReplaceAll(string(data), "\\\r\n", " ")
	text = strings.ReplaceAll(text, "\\\n", " ")
	_, text, _ = strings.Cut(text, ": ")
	out := map[string]bool{}
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out[path.Clean(word.String())] = true
			word.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(" #\\", text[i+1]) >= 0,
			c == '$' && i+1 < len(text) && text[i+1] == '$':
			i++
			word.WriteByte(text[i])
		case strings.IndexByte(" \t\r\n", c) >= 0:
			flush()
		default:
			word.WriteByte(c)
		}
	}
	flush()
	return out
}

// unread returns the inputs that are neither in read nor the build file.
func (f Directory) unread(read map[string]bool) []string {
	out := []string{}
	for _, input := range f.Inputs {
		rel, _ := f.gadgetPath(input)
		if !read[path.Clean(input)] && input != f.BuildFile && rel != gadget.BuildFileName {
			out = append(out, input)
		}
	}
	return out
}
