package wasm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// instantiate compiles module and prepares it up to gadgetInit.
func (p *Program) instantiate(ctx context.Context, module []byte) error {
	p.compilation = p.opts.Compilation
	if p.compilation == nil {
		p.compilation = Compile(module, p.opts.Cache, p.opts.Limits)
	}
	p.compilation.taken = true
	if err := p.compilation.warning; err != nil {
		p.log.warnf("compiling the wasm program each time: %v", err)
	}
	p.runtime = p.compilation.runtime
	compiled, err := p.compilation.wait(ctx)
	if err != nil {
		return err
	}
	if err := checkImports(compiled); err != nil {
		return err
	}
	if err := p.registerHost(compiled); err != nil {
		return fmt.Errorf("preparing the wasm API: %w", err)
	}
	// The time of a program does not pass, as its API has none; random numbers
	// are real ones, since runtimes make their hash tables safe with them.
	memory := experimental.WithMemoryAllocator(p.ctx, experimental.MemoryAllocatorFunc(newLinearMemory))
	p.module, err = p.runtime.InstantiateModule(memory, compiled, wazero.NewModuleConfig().WithName("").
		WithStartFunctions().WithStderr(&p.stderr).WithRandSource(rand.Reader))
	if err != nil {
		return p.explain("its start", p.opts.Limits.Start, err)
	}
	if err := p.initialize(); err != nil {
		return err
	}
	return p.checkVersion()
}

// registerHost makes the modules that compiled imports from.
func (p *Program) registerHost(compiled wazero.CompiledModule) error {
	builder := p.runtime.NewHostModuleBuilder(HostModule)
	wasi := false
	p.imports = map[string]bool{}
	for _, imp := range compiled.ImportedFunctions() {
		module, name, _ := imp.Import()
		if module != HostModule {
			wasi = true
			continue
		}
		fn := functionsByName[name]
		p.imports[name] = true
		builder.NewFunctionBuilder().WithGoModuleFunction(p.bind(fn), fn.params(), fn.results()).Export(name)
	}
	if _, err := builder.Instantiate(p.ctx); err != nil {
		return err
	}
	if !wasi {
		return nil
	}
	_, err := wasi_snapshot_preview1.Instantiate(p.ctx, p.runtime)
	return err
}

// checkImports returns an error for an import that is not part of the API, or
// has another type there.
func checkImports(compiled wazero.CompiledModule) error {
	for _, imp := range compiled.ImportedFunctions() {
		module, name, _ := imp.Import()
		if module == wasi_snapshot_preview1.ModuleName {
			continue
		}
		fn, ok := functionsByName[name]
		if module != HostModule || !ok {
			return fmt.Errorf("the wasm program needs the function %q of module %q, which the API does not have", name, module)
		}
		if !sameTypes(imp.ParamTypes(), fn.params()) || !sameTypes(imp.ResultTypes(), fn.results()) {
			return fmt.Errorf("the wasm program declares the function %q differently from the API, want %s", name, fn.Signature)
		}
	}
	if len(compiled.ImportedMemories()) > 0 {
		return errors.New("the wasm program imports a memory, want one of its own")
	}
	if len(compiled.ImportedFunctions()) > 0 && len(compiled.ExportedMemories()) == 0 {
		return errors.New("the wasm program does not export its memory, so nothing can be exchanged with it")
	}
	return nil
}

// initialize runs _initialize, with which reactors begin.
func (p *Program) initialize() error {
	fn := p.module.ExportedFunction("_initialize")
	if fn == nil {
		return nil
	}
	return p.call(p.ctx, fn, "_initialize", make([]uint64, len(fn.Definition().ResultTypes())))
}

func (p *Program) checkVersion() error {
	fn := p.module.ExportedFunction(exportVersion)
	if fn == nil {
		return fmt.Errorf("the wasm program does not export %s, so it is not one of a gadget", exportVersion)
	}
	if n := len(fn.Definition().ParamTypes()); n != 0 || len(fn.Definition().ResultTypes()) != 1 {
		return fmt.Errorf("the wasm program's %s has another type than the API's", exportVersion)
	}
	version := make([]uint64, 1)
	if err := p.call(p.ctx, fn, exportVersion, version); err != nil {
		return err
	}
	if version[0] != APIVersion {
		return fmt.Errorf("the wasm program is for version %d of the API, want %d", version[0], APIVersion)
	}
	return p.checkExports()
}

// checkExports returns an error when a function that will be called has another
// type than in the API.
func (p *Program) checkExports() error {
	for _, name := range []string{exportInit, exportPreStart, exportStart, exportStop, exportPostStop} {
		if fn := p.module.ExportedFunction(name); fn != nil && len(fn.Definition().ParamTypes()) > 0 {
			return fmt.Errorf("the wasm program's %s takes parameters, want none", name)
		}
	}
	if fn := p.module.ExportedFunction(exportCallback); fn != nil && !sameTypes(fn.Definition().ParamTypes(),
		callbackTypes) {
		return fmt.Errorf("the wasm program's %s takes other parameters than the API's u64, u32, u32", exportCallback)
	}
	return nil
}
