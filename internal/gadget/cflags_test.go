package gadget

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// Every feature is one that clang has: a misspelled one would allow what is not known.
func TestClangAllowedFeatures(t *testing.T) {
	tc := clangtest.Find(t)
	on, off := []string{}, []string{}
	for _, feature := range allowedFeatures {
		on = append(on, "-f"+feature)
		switch feature {
		case "freestanding", "hosted", "inline-hint-functions": // clang has no opposite, and says so
		default:
			off = append(off, "-fno-"+feature)
		}
	}
	for _, flags := range [][]string{on, off} {
		cmd := tc.Command(tc.Clang, append(flags, "-target", "bpf", "-c", "-o", t.TempDir()+"/x.o", "-xc", "-")...)
		cmd.Stdin = strings.NewReader("int x;\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	}
}
