package rights

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// TestCallsKnown: a name that the library lacks would be left out of the filter
// without a word, and the call fail on that architecture alone.
func TestCallsKnown(t *testing.T) {
	for name, info := range map[string]*arch.Info{"amd64": arch.X86_64, "arm64": arch.AARCH64} {
		for _, group := range [][]string{calls, attachingCalls, renamingCalls, callsOf[name]} {
			for _, call := range group {
				if _, ok := info.SyscallNames[call]; !ok && renamed[name] != call {
					t.Errorf("%s has no system call %q", name, call)
				}
			}
		}
	}
}

// renamed are calls that an architecture has under the name in callsOf.
var renamed = map[string]string{"arm64": "newfstatat"}
