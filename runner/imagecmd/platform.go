package imagecmd

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// parsePlatform parses "linux/amd64", "linux/arm64/v8" or just "arm64".
func parsePlatform(text string) (arch.Arch, error) {
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
