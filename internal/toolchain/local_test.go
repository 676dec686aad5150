package toolchain_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/clangtest"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// headersProgram includes a header of each origin.
const headersProgram = `#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <gadget/bits.bpf.h>
SEC("tracepoint/a/b") int enter(void *ctx) { return sizeof(asm_type); }
`

// A --local build finds the same headers wherever the distribution puts them.
func TestLocalFindsHeadersOfDistributions(t *testing.T) {
	tc := clangtest.Find(t).Standalone(t)
	triplet := "/usr/include/" + arch.Arch(runtime.GOARCH).Uname()
	for name, layout := range map[string]struct{ asm, linux, bpf string }{
		"Debian":           {triplet + "-linux-gnu", "/usr/include", "/usr/include"},
		"Fedora":           {"/usr/include", "/usr/include", "/usr/include"},
		"Alpine":           {"/usr/include", "/usr/include", "/usr/include"},
		"libbpf by hand":   {triplet + "-linux-gnu", "/usr/include", "/usr/local/include"},
		"kernel's by hand": {"/usr/local/include", "/usr/local/include", "/usr/include"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range map[string]string{
				layout.asm + "/asm/types.h": "typedef int asm_type; typedef unsigned int u32; typedef unsigned " +
					"long long u64;\n",
				layout.linux + "/linux/types.h": "#include <asm/types.h>\n",
				layout.bpf + "/bpf/bpf_helpers.h": "#define SEC(name) __attribute__((section(name), used))\n#define " +
					"__always_inline inline __attribute__((always_inline))\n",
				"/usr/include/riscv64-linux-gnu/asm/types.h": "#error another architecture\n",
				"/g/program.bpf.c":                           headersProgram,
			} {
				full := filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{"CLANG": tc.Clang, "LLVM_STRIP": tc.Strip}
			l := toolchain.Local{Cache: t.TempDir(), Root: root, Getenv: func(k string) string { return env[k] }}
			tcs, err := l.Toolchains(arch.All())
			if err != nil {
				t.Fatal(err)
			}
			for a, tc := range tcs {
				_, err = assemble.Compile(context.Background(),
					assemble.CompileRequest{Directory: assemble.Directory{Dir: root + "/g"}, Toolchain: tc, Arch: a})
				if refused := (*assemble.CompileError)(nil); errors.As(err, &refused) {
					t.Error(refused.Text)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}
