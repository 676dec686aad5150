package imagecmd

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// headerFiles returns the file that --vmlinux names for each architecture; one that
// is named without an architecture is for all others.
func (b *Build) headerFiles() (map[arch.Arch]string, error) {
	files, rest := map[arch.Arch]string{}, ""
	for _, text := range b.Vmlinux {
		name, file, ok := strings.Cut(text, "=")
		a, err := arch.Parse(name)
		switch {
		case !ok || err != nil: // a name of a file may have "=", too
			if rest != "" {
				return nil, cli.Usage(fmt.Errorf("--vmlinux names %q and %q for every architecture, write ARCH=FILE", rest, text))
			}
			rest = text
		case files[a] != "":
			return nil, cli.Usage(fmt.Errorf("--vmlinux names %q and %q for %s, keep one", files[a], file, a))
		default:
			files[a] = file
		}
	}
	for _, a := range arch.All() {
		if files[a] == "" && rest != "" {
			files[a] = rest
		}
	}
	return files, nil
}

// withHeaders puts the headers that the user named in place of the pinned ones.
func (b *Build) withHeaders(tools map[arch.Arch]assemble.Toolchain) (map[arch.Arch]assemble.Toolchain, error) {
	files, err := b.headerFiles()
	if err != nil {
		return nil, err
	}
	for a, file := range files {
		text, err := toolchain.ReadHeader(file)
		if err != nil {
			return nil, err
		}
		if tools[a], err = toolchain.WithHeader(tools[a], b.Cache, text); err != nil {
			return nil, err
		}
	}
	return tools, nil
}
