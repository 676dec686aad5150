package runner_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// wasmModule is a wasm program in the binary format that subscribes to the events of data
// source open, and whose callback has these instructions.
func wasmModule(callback ...byte) []byte {
	const source = "open"
	sized := func(b ...byte) []byte { return append([]byte{byte(len(b))}, b...) } // all is shorter than 128 bytes
	text := func(s string) []byte { return sized([]byte(s)...) }
	vector := func(items ...[]byte) []byte { return append([]byte{byte(len(items))}, bytes.Join(items, nil)...) }
	section := func(id byte, content []byte) []byte { return append([]byte{id}, sized(content...)...) }
	function := func(instructions ...byte) []byte {
		return sized(append(append([]byte{0}, instructions...), 0x0b)...) // no variables, the end
	}
	imported := func(name string, typ byte) []byte { return slices.Concat(text("ig"), text(name), []byte{0, typ}) }
	exported := func(name string, kind, index byte) []byte { return append(text(name), kind, index) }
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector( // types: 0x60, parameters, results; 0x7f is i32, 0x7e is i64
			[]byte{0x60, 1, 0x7e, 1, 0x7f}, []byte{0x60, 4, 0x7f, 0x7f, 0x7f, 0x7e, 1, 0x7f},
			[]byte{0x60, 0, 1, 0x7e}, []byte{0x60, 0, 1, 0x7f}, []byte{0x60, 3, 0x7e, 0x7f, 0x7f, 0},
		)),
		section(2, vector(imported("getDataSource", 0), imported("dataSourceSubscribe", 1))),
		section(3, []byte{3, 2, 3, 4}), // functions by their types
		section(5, []byte{1, 1, 1, 2}), // a memory
		section(7, vector(exported("gadgetAPIVersion", 0, 2), exported("gadgetInit", 0, 3),
			exported("dataSourceCallback", 0, 4), exported("memory", 2, 0))),
		section(10, vector(
			function(0x42, 1), // the version
			// The name is at address 0: its length is in the upper half of the number.
			function(0x42, 0x80, 0x80, 0x80, 0x80, 0xc0, 0x00, 0x10, 0, 0x41, 1, 0x41, 0, 0x42, 0, 0x10, 1),
			function(callback...),
		)),
		section(11, vector(slices.Concat([]byte{0, 0x41, 0, 0x0b}, text(source)))),
	)
}

// TestFailingWasmPrograms: a wasm program that traps or never returns while eBPF programs
// are attached ends the run with one sentence, and they are detached.
func TestFailingWasmPrograms(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for name, tc := range map[string]struct {
		callback []byte
		want     string
	}{
		"trap": {[]byte{0x00}, "gadget-run: the wasm program stopped in dataSourceCallback: "},
		"endless loop": {
			[]byte{0x03, 0x40, 0x0c, 0, 0x0b},
			"gadget-run: the wasm program did not return from dataSourceCallback within 5s, so it was ended",
		},
	} {
		t.Run(name, func(t *testing.T) {
			layout := filepath.Join(t.TempDir(), "layout")
			if err := gadgettest.WriteManifests(layout, gadget.ManifestInput{
				Arch: arch.Host(), Object: gadgettest.File(t, "open.bpf.o"), Wasm: wasmModule(tc.callback...),
			}); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "gadget-run", "run", layout, "-o", "none")
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "GADGET_RUN_STATE="+t.TempDir())
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			var err error
			for running := true; running; {
				select {
				case err = <-ended:
					running = false
				default:
					if f, err := os.Open(os.DevNull); err == nil { // an event
						f.Close()
					}
					time.Sleep(time.Millisecond)
				}
			}
			if cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%v, want the exit code 1", err)
			}
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, tc.want) }) {
				t.Errorf("it wrote %q, want a line with %q", lines, tc.want)
			}
			for _, program := range []string{"enter_openat", "exit_openat"} {
				if err := waitUnattached(program); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
