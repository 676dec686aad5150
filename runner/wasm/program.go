package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// stage is how far a program has come, which decides what it may do.
type stage int32

const (
	stageInit stage = iota
	stageStarted
	stageStopped
)

// maxDepth is how often an event that the program emits may call the program.
// Each depth has its own stack, which the engine lets grow to 400 MB.
const maxDepth = 4

// Program is a running wasm program. New makes one, Close ends it. Only one
// goroutine at a time is in the program; the others wait.
type Program struct {
	opts    Options
	handles handles
	log     *logger
	stderr  tail
	sources []*Source
	stage   atomic.Int32
	usage   usage
	imports map[string]bool // functions of the API

	compilation *Compilation
	runtime     wazero.Runtime
	module      api.Module
	callbacks   [maxDepth]callback // by depth

	ctx    context.Context // of every call
	cancel context.CancelFunc
	turn   chan struct{} // holds a token while a goroutine is in the program
	watch  watchdog

	working  atomic.Int32 // above 0 while the program handles something
	failure  atomic.Pointer[failure]
	failOnce sync.Once
}

// callback is dataSourceCallback; a call inside another has one of its own.
type callback struct {
	fn    api.Function
	stack [3]uint64
}

type failure struct{ err error }

// Err returns why the program has failed, nil while it has not.
func (p *Program) Err() error {
	if f := p.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// Sources returns the data sources: those of the eBPF program, and those that
// the program has made after them.
func (p *Program) Sources() []*Source { return p.sources }

// Imports reports whether the program uses a function of the API.
func (p *Program) Imports(function string) bool { return p.imports[function] }

// New compiles module and calls its gadgetInit. Close the program when it is no
// longer needed.
func New(ctx context.Context, module []byte, opts Options) (*Program, error) {
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits
	}
	p := &Program{opts: opts, log: newLogger(opts.LogLevel, opts.Log), turn: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.watch.expire = p.cancel
	for _, s := range opts.Sources {
		for _, f := range s.Fields {
			f.source = s
		}
		s.single.source = s
		p.sources = append(p.sources, s)
	}
	stop := context.AfterFunc(ctx, p.cancel)
	defer stop()
	err := p.instantiate(ctx, module)
	if err == nil {
		err = p.lifecycle(exportInit)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// PreStart calls gadgetPreStart, the last chance of the program to change the
// metadata and to add fields.
func (p *Program) PreStart(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.cancel)
	defer stop()
	err := p.lifecycle(exportPreStart)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.stage.Store(int32(stageStarted))
	return err
}

// Start calls gadgetStart, when the eBPF program is loaded.
func (p *Program) Start() error { return p.lifecycle(exportStart) }

// Busy reports whether the program is handling an event or an array, rather than
// waiting for what handles the events that it emits.
func (p *Program) Busy() bool { return p.working.Load() > 0 }

// Stop calls gadgetStop and gadgetPostStop. A handler that is stuck in a blocked
// output holds it up for no longer than the limit.
func (p *Program) Stop() error {
	if p.Err() != nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(p.lifecycle(exportStop), p.lifecycle(exportPostStop)) }()
	select {
	case err := <-done:
		p.stage.Store(int32(stageStopped))
		return err
	case <-time.After(p.opts.Limits.Start):
		return fmt.Errorf("the wasm program did not end within %v", p.opts.Limits.Start)
	}
}

// Close ends the program and frees what it holds.
func (p *Program) Close() error {
	p.cancel()
	p.log.finish()
	var errs []error
	if p.compilation != nil {
		errs = append(errs, p.compilation.close())
	}
	for _, v := range p.handles.all() {
		release(v)
	}
	return errors.Join(errs...)
}

// lifecycle calls an exported function without parameters that returns 0, if the
// program has it.
func (p *Program) lifecycle(name string) error {
	fn := p.module.ExportedFunction(name)
	if fn == nil {
		return nil
	}
	p.enter()
	defer p.leave()
	code := make([]uint64, len(fn.Definition().ResultTypes()))
	if err := p.call(p.ctx, fn, name, code); err != nil {
		return err
	}
	if len(code) > 0 && uint32(code[0]) != 0 {
		return fmt.Errorf("the wasm program's %s failed with code %d, see what it logged", name, int32(code[0]))
	}
	return nil
}

// call calls fn, the program's function called name, with the parameters that
// stack holds, and leaves the results there.
func (p *Program) call(ctx context.Context, fn api.Function, name string, stack []uint64) error {
	if err := p.Err(); err != nil {
		return err
	}
	limit := p.opts.Limits.Start
	if name == exportCallback {
		limit = p.opts.Limits.Event
	}
	p.watch.start(limit)
	err := fn.CallWithStack(ctx, stack)
	p.watch.stop()
	if err != nil {
		err = p.explain(name, limit, err)
		p.failure.CompareAndSwap(nil, &failure{err})
	}
	return err
}

// enter waits for the turn of the calling goroutine, which leave ends.
func (p *Program) enter() { p.turn <- struct{}{} }
func (p *Program) leave() { <-p.turn }
