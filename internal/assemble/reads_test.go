package assemble_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// secret is a line of a file that is not the gadget's.
const secret = "root_secret_hash"

// reading is a program that does, in the form of a statement, what may read a file.
const reading = `%TOP%
__attribute__((section("tracepoint/a/b"), used)) int enter(void *ctx)
{
	%STATEMENT%
	return 0;
}
`

// TestCompileReadsNoOtherFile tries each way by which a source can name a file,
// with a toolchain that is confined and with one that is not.
func TestCompileReadsNoOtherFile(t *testing.T) {
	toolchains := map[string]assemble.Toolchain{"as found": realToolchain(t)}
	if toolchains["as found"].Loader != "" {
		own := clangtest.Find(t).Standalone(t)
		toolchains["not confined"] = assemble.Toolchain{Clang: own.Clang, Strip: own.Strip}
	}
	for name, tc := range toolchains {
		t.Run(name, func(t *testing.T) { testReads(t, tc) })
	}
}

func testReads(t *testing.T, tc assemble.Toolchain) {
	for _, c := range []struct {
		name, top, statement string
		want                 string // of the error or clang's text; "" when it compiles
	}{
		{name: "nothing", statement: `asm volatile("r0 = 1" ::: "r0");`},
		{name: "text that looks like it", statement: `static const char s[] = " .incbin \"x\""; *(volatile const char *)s;`},
		{name: "own header", top: `#include "own.h"`},
		{name: "incbin", top: `asm(".incbin \"OUT\"");`, want: "incbin"},
		{name: "incbin in a function", statement: `asm volatile(".incbin \"OUT\"");`, want: "incbin"},
		{name: "incbin in capitals", top: `asm("x: .INCBIN \"OUT\"");`, want: "INCBIN"},
		{name: "incbin after a text", top: `asm(".ascii \"a\"; .incbin \"OUT\"");`, want: "incbin"},
		{name: "incbin between open texts", top: "asm(\".ascii \\\"\\n.ascii \\\"; .incbin \\\"OUT\\\"\");", want: "inc"},
		{name: "incbin by a macro", top: `asm(".macro m d\n.\\d \"OUT\"\n.endm\nm incbin");`, want: "m"},
		{
			name: "incbin by an operand", top: "extern int incbin;", statement: `asm volatile(".%0 \"OUT\"" ::"i"(&incbin));`,
			want: "incbin",
		},
		{name: "incbin of an own file", top: `asm(".incbin \"g/own.bin\"");`, want: "incbin"},
		{name: "include in assembly", top: `asm(".include \"OUT\"");`, want: "include"},
		{name: "include", top: `#include "OUT"`, want: "outside of the gadget's directory"},
		{name: "include and an error", top: "#include \"OUT\"\n#error no", want: "outside of the gadget's directory"},
		{
			name: "include and a missing one", top: "#include \"OUT\"\n#include \"missing.h\"",
			want: "outside of the gadget's directory",
		},
		{name: "missing", top: `#include "missing.h"`, want: "'missing.h' file not found"},
		{name: "missing elsewhere", top: `#include "/missing.h"`, want: "'/missing.h' file not found"},
		{name: "embed", top: "char x[] = {\n#embed \"OUT\"\n};", want: "out/shadow"},
		{name: "embed of an own file", top: "char x[] = {\n#embed \"own.bin\"\n};"},
		{name: "line", statement: "\n#line 1 \"OUT\"\nreturn ((int (*)(void))5)();"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"out/shadow": secret + "\n", "g/own.h": "\n", "g/own.bin": "own"})
			source := strings.NewReplacer("%TOP%", c.top, "%STATEMENT%", c.statement, "OUT", dir+"/out/shadow").Replace(reading)
			source = strings.ReplaceAll(source, "OUT", dir+"/out/shadow")
			if err := os.WriteFile(dir+"/g/program.bpf.c", []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			result, err := assemble.Compile(context.Background(),
				assemble.CompileRequest{Directory: assemble.Directory{Dir: "g"}, Toolchain: tc, Arch: arch.AMD64})
			text := result.Warnings
			if refused := (*assemble.CompileError)(nil); errors.As(err, &refused) {
				text = refused.Text
			}
			if err != nil {
				text += err.Error()
			}
			if strings.Contains(string(result.Object)+text, secret) {
				t.Errorf("a line of another file shows: %s", text)
			}
			if (err == nil) != (c.want == "") || !strings.Contains(text, c.want) {
				t.Errorf("error %v, text %q, want %q", err, text, c.want)
			}
		})
	}
}

// What the gadget includes counts as read; what it only might have read does not.
func TestCompileListsInputs(t *testing.T) {
	tc := realToolchain(t)
	t.Chdir(writeFiles(t, map[string]string{
		"g/program.bpf.c": strings.ReplaceAll(reading, "%TOP%",
			"#include \"own.h\"\n#ifdef NO\n#include \"other.h\"\n#endif\nchar x[] = {\n#embed \"own.bin\"\n};"),
		"g/own.h": "\n", "g/other.h": "\n", "g/own.bin": "own",
	}))
	source, err := os.ReadFile("g/program.bpf.c")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("g/program.bpf.c", []byte(strings.ReplaceAll(string(source), "%STATEMENT%", "")),
		0o644); err != nil {
		t.Fatal(err)
	}
	result, err := assemble.Compile(context.Background(), assemble.CompileRequest{
		Directory: assemble.Directory{Dir: "g", Inputs: []string{"g/program.bpf.c", "g/own.h", "g/other.h", "g/own.bin"}},
		Toolchain: tc, Arch: arch.AMD64,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(result.Read, " "); got != "g/own.bin g/own.h g/program.bpf.c" {
		t.Errorf("read %s", got)
	}
	if got := strings.Join(result.Unused, " "); got != "g/other.h" {
		t.Errorf("unused %s", got)
	}
}
