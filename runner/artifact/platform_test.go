package artifact_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]string{
		"linux/amd64": "amd64", "arm64": "arm64", "linux/arm64/v8": "arm64",
		"linux/aarch64": "arm64",
	} {
		if got, err := artifact.ParsePlatform(text); err != nil || got.String() != want {
			t.Errorf("ParsePlatform(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"windows/amd64", "linux/riscv64", "", "linux/"} {
		if got, err := artifact.ParsePlatform(text); err == nil {
			t.Errorf("ParsePlatform(%q) = %q, want an error", text, got)
		}
	}
}
