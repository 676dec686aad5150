package wasm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"
)

// The kinds of subscriptions.
const (
	subscribeData   = 1
	subscribeArray  = 2
	subscribePacket = 3
)

type subscription struct {
	kind     uint32
	priority int32
	callback uint64
	source   uint32 // the handle that the program subscribed with
}

// callbackTypes are the parameters of dataSourceCallback.
var callbackTypes = []api.ValueType{api.ValueTypeI64, api.ValueTypeI32, api.ValueTypeI32}

func (p *Program) subscribe(s *Source, sub subscription) error {
	switch {
	case p.module.ExportedFunction(exportCallback) == nil:
		return fmt.Errorf("subscribing to %q: the program does not export %s", s.Name, exportCallback)
	case sub.kind < subscribeData || sub.kind > subscribePacket:
		return fmt.Errorf("subscribing to %q: subscription type %d does not exist", s.Name, sub.kind)
	case sub.kind == subscribeArray && !s.Array:
		return fmt.Errorf("subscribing to %q: it has single events, not arrays", s.Name)
	case len(s.subs) >= maxSubs:
		return fmt.Errorf("subscribing to %q: more than %d subscriptions", s.Name, maxSubs)
	}
	s.subs = append(s.subs, sub)
	slices.SortStableFunc(s.subs, func(a, b subscription) int { return cmp.Compare(a.priority, b.priority) })
	return nil
}

// Event passes an event of s to the program and the result to the
// handler.
func (p *Program) Event(s *Source, event []byte) {
	p.enter()
	defer p.leave()
	if !s.touched() {
		p.opts.Handler.Event(s, event)
		return
	}
	s.single.reset(event)
	p.deliver(p.ctx, s, &s.single)
}

// Array passes the entries of an array of s to the program, and the result for
// them to the handler.
func (p *Program) Array(s *Source, entries [][]byte) {
	p.enter()
	defer p.leave()
	if !s.touched() {
		p.opts.Handler.Array(s, entries)
		return
	}
	a := &array{source: s, records: make([]*record, len(entries))}
	for i, e := range entries {
		a.records[i] = &record{source: s}
		a.records[i].reset(e)
	}
	p.deliver(p.ctx, s, a)
}

// deliver calls the subscriptions to s with packet, a *record or an *array, and
// then the handler. The caller has the turn.
func (p *Program) deliver(ctx context.Context, s *Source, packet any) {
	for _, sub := range s.subs {
		p.working.Add(1)
		err := p.notify(ctx, sub, packet)
		p.working.Add(-1)
		if err != nil {
			p.fail(err)
			return
		}
	}
	if s.Unreferenced || p.opts.Handler == nil || p.Err() != nil {
		return
	}
	switch v := packet.(type) {
	case *record:
		p.opts.Handler.Event(s, v.buf)
	case *array:
		records := make([][]byte, len(v.records))
		for i, r := range v.records {
			records[i] = r.buf
		}
		p.opts.Handler.Array(s, records)
	}
}

// notify calls the program's callback for one subscription.
func (p *Program) notify(ctx context.Context, sub subscription, packet any) error {
	a, ok := packet.(*array)
	if !ok || sub.kind != subscribeData {
		return p.callback(ctx, sub, packet)
	}
	for i := 0; i < len(a.records); i++ {
		if err := p.callback(ctx, sub, a.records[i]); err != nil {
			return err
		}
	}
	return nil
}

type depthKey struct{}

// callback calls dataSourceCallback with a handle that is valid until it returns.
func (p *Program) callback(ctx context.Context, sub subscription, v any) error {
	depth, _ := ctx.Value(depthKey{}).(int)
	if depth >= maxDepth {
		return fmt.Errorf("the wasm program's events call each other more than %d deep", maxDepth)
	}
	if depth > 0 {
		p.watch.resume()
		defer p.watch.pause()
	}
	cb := &p.callbacks[depth]
	if cb.fn == nil {
		cb.fn = p.module.ExportedFunction(exportCallback)
	}
	handle := p.handles.add(v)
	if handle == 0 {
		return fmt.Errorf("the wasm program holds more than %d handles, it must release them", maxHandles)
	}
	cb.stack = [3]uint64{sub.callback, uint64(sub.source), uint64(handle)}
	err := p.call(ctx, cb.fn, exportCallback, cb.stack[:])
	p.handles.remove(handle)
	return err
}

// emit delivers what the program emits. The time that others need for it is not
// the program's.
func (p *Program) emit(ctx context.Context, s *Source, packet any) error {
	if stage(p.stage.Load()) == stageInit {
		return errors.New("events can only be emitted once the gadget has started")
	}
	depth, _ := ctx.Value(depthKey{}).(int)
	p.watch.pause()
	defer p.watch.resume()
	p.working.Add(-1)
	defer p.working.Add(1)
	p.deliver(context.WithValue(ctx, depthKey{}, depth+1), s, packet)
	return p.Err()
}

// fail ends the program for err.
func (p *Program) fail(err error) {
	p.failure.CompareAndSwap(nil, &failure{err})
	p.failOnce.Do(func() {
		if p.opts.Failed != nil {
			p.opts.Failed(err)
		}
	})
}
