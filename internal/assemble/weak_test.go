package assemble_test

import (
	"bytes"
	"context"
	"debug/elf"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// weakProgram has a weak map, as <bpf/usdt.bpf.h> has, a weak variable and a weak
// function, and a place for more.
const weakProgram = `#define SEC(name) __attribute__((section(name), used))
struct {
	int (*type)[2];
	int (*max_entries)[1];
	int *key;
	int *value;
} specs SEC(".maps") __attribute__((weak));
int count __attribute__((weak));
%TOP%
__attribute__((weak, noinline)) int more(int x) { return x + count; }
SEC("tracepoint/a/b") int enter(void *ctx)
{
	int key = 0;
	void *(*lookup)(void *map, const void *key) = (void *)1;
	return more(lookup(&specs, &key) ? 1 : 2) %STATEMENT%;
}
`

func compileWeak(t *testing.T, top, statement string) ([]byte, error) {
	t.Helper()
	text := bytes.ReplaceAll([]byte(weakProgram), []byte("%TOP%"), []byte(top))
	text = bytes.ReplaceAll(text, []byte("%STATEMENT%"), []byte(statement))
	dir := writeFiles(t, map[string]string{"program.bpf.c": string(text)})
	result, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: dir}, Toolchain: realToolchain(t), Arch: arch.AMD64,
	})
	return result.Object, err
}

func TestCompileBindsWeakSymbols(t *testing.T) {
	object, err := compileWeak(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object)); err != nil {
		t.Errorf("the loader refuses the object: %v", err)
	}
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, s := range symbols {
		switch s.Name {
		case "specs", "count", "more":
			found++
			if elf.ST_BIND(s.Info) != elf.STB_GLOBAL {
				t.Errorf("%s is %s", s.Name, elf.ST_BIND(s.Info))
			}
		}
	}
	if found != 3 {
		t.Errorf("found %d of 3 symbols", found)
	}
}

func TestCompileRefusesWeakKernelOptions(t *testing.T) {
	_, err := compileWeak(t, `extern int CONFIG_HZ SEC(".kconfig") __attribute__((weak));`, "+ CONFIG_HZ")
	wantError(t, err, "program.bpf.c", "CONFIG_HZ is a weak __kconfig variable", "remove __weak")
	_, err = compileWeak(t, `extern int CONFIG_HZ SEC(".kconfig");`, "+ CONFIG_HZ")
	wantError(t, err)
}
