package wasm

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// Compilation is a module that is being compiled, or read from the directory of
// compiled modules: some 40 ms for a Go program, during which others can prepare
// what the program runs on. New takes ownership of it; else Close it.
type Compilation struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache // nil without directory
	warning error                   // why it has no cache

	done   chan struct{}
	module wazero.CompiledModule
	err    error
	taken  bool
}

// workers bounds the memory of a first start: each worker has some 10 MB of its own,
// so that one per CPU would need a gigabyte on a large node, and two go beyond 100 MiB
// of the whole process.
const workers = 1

// Compile starts compiling a module on another CPU. dir is the directory of compiled
// modules, empty for none; limits are DefaultLimits when zero.
func Compile(module []byte, dir string, limits Limits) *Compilation {
	if limits == (Limits{}) {
		limits = DefaultLimits
	}
	c := &Compilation{done: make(chan struct{})}
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(true).WithMemoryLimitPages(limits.MemoryPages)
	if c.cache, c.warning = openCache(dir); c.cache != nil {
		config = config.WithCompilationCache(c.cache)
	}
	c.runtime = wazero.NewRuntimeWithConfig(context.Background(), config)
	go func() {
		defer close(c.done)
		defer guard.Panics(&c.err)
		ctx := experimental.WithCompilationWorkers(context.Background(), workers)
		c.module, c.err = c.runtime.CompileModule(ctx, module)
	}()
	return c
}

// Precompile compiles a module into a directory of compiled modules, from which
// Compile takes it, on a machine of the same architecture.
func Precompile(ctx context.Context, module []byte, dir string) error {
	c := Compile(module, dir, Limits{})
	if c.warning != nil {
		return c.warning
	}
	_, err := c.wait(ctx)
	return errors.Join(err, c.close())
}

// wait returns the compiled module. It returns when ctx ends, even if the compiler
// does not.
func (c *Compilation) wait(ctx context.Context) (wazero.CompiledModule, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		if c.err != nil {
			return nil, fmt.Errorf("compiling the wasm program: %s", firstLine(c.err))
		}
		return c.module, nil
	}
}

// Close frees what New has not taken over. Where the compiler still works, the
// runtime stays open for it until the process ends.
func (c *Compilation) Close() error {
	if c == nil || c.taken {
		return nil
	}
	return c.close()
}

func (c *Compilation) close() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	err := c.runtime.Close(context.Background())
	if c.cache != nil {
		err = errors.Join(err, c.cache.Close(context.Background()))
	}
	return err
}
