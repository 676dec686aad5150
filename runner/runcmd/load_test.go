package runcmd

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// starting returns the session of a gadget whose wasm program, which holds text, is
// being compiled.
func starting(t *testing.T, object, text string) *session {
	t.Helper()
	plan, err := gadgetapi.Read(gadgettest.File(t, object), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{
		cmd: &Cmd{}, g: &cli.Globals{}, plan: plan, kernel: btf.NewCache(),
		artifact:    &gadget.Artifact{Wasm: []byte(text)},
		compilation: wasm.Compile([]byte(text), "", wasm.DefaultLimits),
	}
	t.Cleanup(func() { s.compilation.Close() })
	return s
}

// TestBeginLoading loads the gadget before its wasm program has started, unless that
// can still change what is loaded.
func TestBeginLoading(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for text, early := range map[string]bool{"getMap": true, "setConfig": false} {
		s := starting(t, "open.bpf.o", text)
		if s.beginLoading(); (s.loading != nil) != early {
			t.Errorf("a program with %q: loading %v", text, s.loading)
		}
		loaded, err := s.finishLoading()
		if err != nil {
			t.Fatal(err)
		}
		s.abandonLoading()
		if loaded.Map("events") == nil {
			t.Errorf("a program with %q: what finishLoading returned was closed", text)
		}
		if err := loaded.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAbandonLoading frees what was loaded for a wasm program that failed.
func TestAbandonLoading(t *testing.T) {
	gadgettest.NeedsKernel(t)
	s := starting(t, "open.bpf.o", "")
	s.beginLoading()
	<-s.loading.done
	if s.loading.err != nil {
		t.Fatal(s.loading.err)
	}
	m := s.loading.loaded.Map("events")
	if s.abandonLoading(); m.FD() >= 0 {
		t.Error("a map of what was loaded is still open")
	}
}

// TestLoadingFails shows the error where the gadget is needed, also that of a panic.
func TestLoadingFails(t *testing.T) {
	gadgettest.NeedsKernel(t)
	s := starting(t, "rejected.bpf.o", "")
	s.beginLoading()
	if _, err := s.finishLoading(); err == nil {
		t.Error("no error")
	}
	s.abandonLoading()
	s = starting(t, "open.bpf.o", "")
	s.plan = nil
	s.beginLoading()
	var panicked *guard.PanicError
	if _, err := s.finishLoading(); !errors.As(err, &panicked) {
		t.Errorf("error %v", err)
	}
}
