package toolchain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// ReadHeader returns the text of a vmlinux.h that the user has.
func ReadHeader(path string) ([]byte, error) {
	text, err := action.ReadFile(path, maxHeader)
	if err != nil {
		return nil, fmt.Errorf("reading vmlinux.h: %w", err)
	}
	if len(text) == 0 || bytes.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("reading vmlinux.h: %q is not a C header, print one with \"bpftool btf dump file FILE "+
			"format c\"", path)
	}
	return text, nil
}

// WithHeader returns a toolchain whose vmlinux.h is the one with this text. It is
// kept in the directory cache.
func WithHeader(tc assemble.Toolchain, cache string, text []byte) (assemble.Toolchain, error) {
	sum := sha256.Sum256(text)
	dir := filepath.Join(cache, "vmlinux-"+hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return tc, fmt.Errorf("keeping vmlinux.h: %w", err)
	}
	if err := action.WriteFile(filepath.Join(dir, vmlinuxHeader), text); err != nil {
		return tc, fmt.Errorf("keeping vmlinux.h: %w", err)
	}
	tc.SystemIncludes = slices.Clone(tc.SystemIncludes)
	tc.SystemIncludes[len(tc.SystemIncludes)-1] = dir
	return tc, nil
}
