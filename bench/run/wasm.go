package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// addWasm builds a gadget like trace_open with a wasm program that sees each event.
func (b *bench) addWasm(binary string) error {
	dir := filepath.Join(b.tmp, "wasm")
	if err := os.CopyFS(dir, os.DirFS("gadgets/trace_open")); err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"build.yaml": "wasm: go/program.go\n", "go/program.go": wasmProgram,
		"go/go.mod": "module example.com/bench\n\ngo 1.24\n\n" +
			"require github.com/rules-gadget/rules_gadget/wasmapi v0.0.0\n\n" +
			"replace github.com/rules-gadget/rules_gadget/wasmapi => " + filepath.Join(root, "wasmapi") + "\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	b.archives["wasm"] = filepath.Join(b.tmp, "wasm.tar")
	build := exec.CommandContext(b.ctx, binary, "image", "build", dir, "--platform", "linux/"+runtime.GOARCH,
		"-o", "type=oci,dest="+b.archives["wasm"], "--state", filepath.Join(b.tmp, "state"))
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building a gadget with a wasm program: %w\n%s", err, out)
	}
	return nil
}

// wasmProgram adds a field to each event.
const wasmProgram = `package main

import "github.com/rules-gadget/rules_gadget/wasmapi"

//go:wasmexport gadgetInit
func gadgetInit() int32 {
	return wasmapi.Run(func() error {
		open, err := wasmapi.GetSource("open")
		if err != nil {
			return err
		}
		fname, err := open.Field("fname")
		if err != nil {
			return err
		}
		length, err := open.AddField("length", wasmapi.Uint32)
		if err != nil {
			return err
		}
		return open.Subscribe(func(event wasmapi.Data) {
			name, err := fname.Text(event)
			if err == nil {
				err = wasmapi.Set(length, event, uint32(len(name)))
			}
			if err != nil {
				wasmapi.Warnf("%v", err)
			}
		})
	})
}

func main() {}
`
