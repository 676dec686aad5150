package runcmd

import (
	"bytes"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// loading is a gadget that is given to the kernel while its wasm program starts.
type loading struct {
	done   chan struct{}
	loaded *engine.Loaded
	err    error
	taken  bool
}

// beginLoading does on another CPU what the start needs of the kernel while the wasm
// program is compiled: it loads the gadget, unless the program may change what is
// loaded; then it only decodes the kernel's types.
func (s *session) beginLoading() {
	switch {
	case s.compilation == nil:
	case !bytes.Contains(s.artifact.Wasm, []byte(wasm.FunctionSetConfig)):
		s.loading = &loading{done: make(chan struct{})}
		go func(l *loading) {
			defer close(l.done)
			defer guard.Panics(&l.err)
			l.loaded, l.err = s.loadGadget()
		}(s.loading)
	case s.cmd.BTF == "":
		// An error shows again where the types are used.
		go func(plan *gadgetapi.Spec, kernel *btf.Cache) { _ = engine.WarmTypes(plan, kernel) }(s.plan, s.kernel)
	}
}

// finishLoading returns the loaded gadget, which the caller closes.
func (s *session) finishLoading() (*engine.Loaded, error) {
	if s.loading == nil {
		return s.loadGadget()
	}
	<-s.loading.done
	s.loading.taken = true
	return s.loading.loaded, s.loading.err
}

// abandonLoading frees what finishLoading has not handed over.
func (s *session) abandonLoading() {
	if s.loading == nil || s.loading.taken {
		return
	}
	if <-s.loading.done; s.loading.err == nil {
		_ = s.loading.loaded.Close()
	}
}

// loadGadget gives the gadget to the kernel. Nothing is attached yet.
func (s *session) loadGadget() (*engine.Loaded, error) {
	types, err := s.kernelTypes()
	if err != nil {
		return nil, err
	}
	loaded, err := engine.Load(s.plan, engine.LoadOptions{
		Feeds: s.feeds, Programless: s.programless(),
		KernelTypes: types, Cache: s.kernel, Metadata: s.metadata, PinPath: s.cmd.PinPath, Note: s.notef, Detail: s.detailf,
		Places: s.places(), PacketFilters: s.packetFilters,
		FilterMountNS: s.containers.selecting && s.plan.FiltersMountNS(), Roots: s.roots(), Statistics: s.g.Verbose,
	})
	if err != nil {
		return nil, s.verbose(err)
	}
	s.rest.member.loaded(loaded, s.cmd.Gadget)
	return loaded, nil
}
