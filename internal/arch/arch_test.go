package arch_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

func TestParseAcceptsEverySpelling(t *testing.T) {
	for _, a := range arch.All() {
		for _, s := range []string{a.String(), a.Uname(), a.BTFHub(), a.Target()} {
			got, err := arch.Parse(s)
			if err != nil || got != a {
				t.Errorf("Parse(%q) = %q, %v; want %q", s, got, err, a)
			}
		}
	}
}

func TestParseRefusesUnknown(t *testing.T) {
	for _, s := range []string{"", "riscv64", "AMD64", "x86-64"} {
		if a, err := arch.Parse(s); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", s, a)
		}
	}
}

func TestBTFHubArchNames(t *testing.T) {
	if got := arch.ARM64.BTFHub(); got != "arm64" {
		t.Errorf("ARM64.BTFHub() = %q, want arm64", got)
	}
	if got := arch.ARM64.Uname(); got != "aarch64" {
		t.Errorf("ARM64.Uname() = %q, want aarch64", got)
	}
}
