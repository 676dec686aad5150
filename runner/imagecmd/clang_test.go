package imagecmd_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// compiler sets, for the scripts, CLANG and LLVM_STRIP to programs that run
// as they are, and BPF_INCLUDE to libbpf's headers, without Bazel those of the
// machine or of that variable. Where one of them is missing nothing is set.
func compiler(t *testing.T, setenv func(name, value string)) {
	t.Helper()
	dir := t.TempDir()
	t.Run("compiler", func(t *testing.T) {
		tc := clangtest.Find(t)
		if tc.Loader == "" {
			include := cmp.Or(os.Getenv("BPF_INCLUDE"), "/usr/include")
			if _, err := os.Stat(filepath.Join(include, "bpf/bpf_helpers.h")); err != nil {
				t.Skip("needs libbpf's headers (the package libbpf-dev)")
			}
			setenv("BPF_INCLUDE", include)
			setenv("CLANG", tc.Clang)
			setenv("LLVM_STRIP", tc.Strip)
			return
		}
		headers, err := filepath.Glob(filepath.Join(os.Getenv("TEST_SRCDIR"), "*", "usr/include/bpf/bpf_helpers.h"))
		if err != nil || len(headers) == 0 {
			t.Fatalf("the toolchain is without libbpf's headers: %v", err)
		}
		setenv("BPF_INCLUDE", filepath.Dir(filepath.Dir(headers[0])))
		for name, program := range map[string]string{"CLANG": tc.Clang, "LLVM_STRIP": tc.Strip} {
			wrapper := filepath.Join(dir, filepath.Base(program))
			script := fmt.Sprintf("#!/bin/sh\nexec '%s' --library-path '%s' '%s' \"$@\"", tc.Loader,
				strings.Join(tc.LibraryPath, ":"), program)
			if name == "CLANG" { // as an installed clang finds them in /usr/include
				script += fmt.Sprintf(" -idirafter '%s'", filepath.Dir(filepath.Dir(headers[0])))
			}
			script += "\n"
			if err := os.WriteFile(wrapper, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			setenv(name, wrapper)
		}
	})
}
