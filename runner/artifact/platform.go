package artifact

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// PlatformFlags choose the architectures of an artifact.
type PlatformFlags struct {
	Platform     []string `placeholder:"linux/ARCH" help:"Platforms to take (default: this machine's)."`
	AllPlatforms bool     `help:"Take all platforms."`
}

// Archs returns the chosen architectures; empty means all.
func (f PlatformFlags) Archs() ([]arch.Arch, error) {
	if f.AllPlatforms {
		return nil, nil
	}
	if len(f.Platform) == 0 {
		return []arch.Arch{arch.Host()}, nil
	}
	var all []arch.Arch
	for _, text := range f.Platform {
		a, err := ParsePlatform(text)
		if err != nil {
			return nil, cli.Usage(err)
		}
		all = append(all, a)
	}
	return all, nil
}

// ParsePlatform parses "linux/amd64", "linux/arm64/v8" or just "arm64".
func ParsePlatform(text string) (arch.Arch, error) {
	system, rest, slash := strings.Cut(text, "/")
	if !slash {
		return arch.Parse(text)
	}
	if system != "linux" {
		return "", fmt.Errorf("platform %q: gadgets run on linux only, write linux/amd64 or linux/arm64", text)
	}
	name, _, _ := strings.Cut(rest, "/")
	return arch.Parse(name)
}
