package wasm_test

import (
	"context"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

func TestCompilationInBackground(t *testing.T) {
	module := guestModule(t)
	g := &memory{params: map[string]string{"mode": "kernel"}, config: map[string]string{}}
	c := wasm.Compile(module, cache(), wasm.Limits{})
	p, err := wasm.New(context.Background(), module, wasm.Options{
		Sources: sources(), Gadget: g, Kernel: g, Handler: g, Compilation: c,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := c.Close(); err != nil { // the program has it now
		t.Error(err)
	}
	if err := p.PreStart(context.Background()); err != nil {
		t.Errorf("a program whose compilation is closed again does not run: %v", err)
	}
}

func TestUnusedCompilation(t *testing.T) {
	for _, module := range [][]byte{guestModule(t), []byte("no module")} {
		if err := wasm.Compile(module, cache(), wasm.Limits{}).Close(); err != nil {
			t.Error(err)
		}
	}
	var none *wasm.Compilation
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
