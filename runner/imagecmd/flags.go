// Package imagecmd holds the commands of gadget-run that manage artifacts:
// image and its subcommands, login and logout. Docker's and ig's verbs both
// work.
package imagecmd

import (
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// PlatformFlags choose the architectures of an artifact.
type PlatformFlags struct {
	Platform     []string `placeholder:"linux/ARCH" help:"Platforms to take (default: this machine's)."`
	AllPlatforms bool     `help:"Take all platforms."`
}

// archs returns the chosen architectures; empty means all.
func (f PlatformFlags) archs() ([]arch.Arch, error) {
	if f.AllPlatforms {
		return nil, nil
	}
	if len(f.Platform) == 0 {
		return []arch.Arch{arch.Host()}, nil
	}
	var all []arch.Arch
	for _, text := range f.Platform {
		a, err := parsePlatform(text)
		if err != nil {
			return nil, cli.Usage(err)
		}
		all = append(all, a)
	}
	return all, nil
}

// isPath reports whether text is a file rather than a reference.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".tar")
}
