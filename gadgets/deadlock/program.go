// Finds mutexes that threads of a process lock in orders that do not fit together.
package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

// maxEdges is how many edges of all processes are remembered.
const maxEdges = 100_000

// An edge says that a thread locked the second mutex while it held the first,
// and where it locked them.
type edge struct {
	from, to           uint64
	fromStack, toStack uint64
}

// A process has its edges by the first mutex and what was reported of it.
type process struct {
	edges    map[uint64][]edge
	reported map[string]bool
	dead     bool
}

// finder is the state of the program.
type finder struct {
	processes map[uint32]*process
	edges     int
	full      bool

	mutex1, mutex2, stack1, stack2, pid, comm, mntns wasmapi.Field
	deadlock                                         wasmapi.Source
	outPID, outNodes, outStacks, outComm, outMntns   wasmapi.Field
}

//go:wasmexport gadgetInit
func gadgetInit() int32 {
	f := &finder{processes: map[uint32]*process{}}
	return wasmapi.Run(func() error { return errors.Join(f.addSource(), f.readExits(), f.readEdges()) })
}

// addSource adds the data source that shows what was found.
func (f *finder) addSource() error {
	var err error
	if f.deadlock, err = wasmapi.NewSource("deadlock"); err != nil {
		return err
	}
	var errs [6]error
	f.outPID, errs[0] = f.deadlock.AddField("pid", wasmapi.Uint32)
	f.outNodes, errs[1] = f.deadlock.AddField("nodes", wasmapi.Uint64)
	f.outStacks, errs[2] = f.deadlock.AddField("stack_ids", wasmapi.String)
	f.outComm, errs[3] = f.deadlock.AddField("comm", wasmapi.String)
	f.outMntns, errs[4] = f.deadlock.AddField("mntns_id", wasmapi.Uint64)
	if errs[4] == nil {
		errs[5] = f.outMntns.AddTag("type:gadget_mntns_id")
	}
	return errors.Join(errs[:]...)
}

// readExits forgets processes that have ended. Their last edges come with the next
// reading of the map.
func (f *finder) readExits() error {
	exits, err := wasmapi.GetSource("process_exit")
	if err != nil {
		return err
	}
	pid, err := exits.Field("pid")
	if err != nil {
		return err
	}
	return errors.Join(exits.Hide(), exits.Subscribe(func(event wasmapi.Data) {
		id, err := wasmapi.Get[uint32](pid, event)
		if err != nil {
			wasmapi.Errorf("%v", err)
			return
		}
		f.process(id).dead = true
	}))
}

// readEdges looks for circles whenever the map of edges is read.
func (f *finder) readEdges() error {
	mutex, err := wasmapi.GetSource("mutex")
	if err != nil {
		return err
	}
	var errs [7]error
	f.mutex1, errs[0] = mutex.Field("mutex1")
	f.mutex2, errs[1] = mutex.Field("mutex2")
	f.stack1, errs[2] = mutex.Field("mutex1_stack_id")
	f.stack2, errs[3] = mutex.Field("mutex2_stack_id")
	f.pid, errs[4] = mutex.Field("pid")
	f.comm, errs[5] = mutex.Field("comm")
	f.mntns, errs[6] = mutex.Field("mntns_id")
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	return errors.Join(mutex.Hide(), mutex.SubscribeArray(func(entries wasmapi.Array) {
		for i := range entries.Len() {
			if err := f.add(entries.Get(i)); err != nil {
				wasmapi.Errorf("%v", err)
			}
		}
		f.forgetDead()
	}))
}

func (f *finder) process(pid uint32) *process {
	p := f.processes[pid]
	if p == nil {
		p = &process{edges: map[uint64][]edge{}, reported: map[string]bool{}}
		f.processes[pid] = p
	}
	return p
}

func (f *finder) forgetDead() {
	for pid, p := range f.processes {
		if !p.dead {
			continue
		}
		for _, edges := range p.edges {
			f.edges -= len(edges)
		}
		delete(f.processes, pid)
	}
}

// add adds an edge to those of its process, and reports the circle that it closes.
func (f *finder) add(entry wasmapi.Data) error {
	var e edge
	var errs [5]error
	var pid uint32
	e.from, errs[0] = wasmapi.Get[uint64](f.mutex1, entry)
	e.to, errs[1] = wasmapi.Get[uint64](f.mutex2, entry)
	e.fromStack, errs[2] = wasmapi.Get[uint64](f.stack1, entry)
	e.toStack, errs[3] = wasmapi.Get[uint64](f.stack2, entry)
	pid, errs[4] = wasmapi.Get[uint32](f.pid, entry)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	p := f.process(pid)
	if slices.ContainsFunc(p.edges[e.from], func(other edge) bool { return other.to == e.to }) {
		return nil
	}
	if f.edges == maxEdges {
		if !f.full {
			wasmapi.Warnf("more than %d pairs of mutexes, later ones are left out until processes end", maxEdges)
		}
		f.full = true
		return nil
	}
	p.edges[e.from] = append(p.edges[e.from], e)
	f.edges++
	back := p.path(e.to, e.from)
	if back == nil {
		return nil
	}
	circle := append([]edge{e}, back...)
	if key := keyOf(circle); !p.reported[key] {
		p.reported[key] = true
		return f.report(pid, circle, entry)
	}
	return nil
}

// path returns the shortest way from one mutex to another, nil if none exists.
func (p *process) path(from, to uint64) []edge {
	came := map[uint64]edge{}
	for queue := []uint64{from}; len(queue) > 0; queue = queue[1:] {
		for _, e := range p.edges[queue[0]] {
			if _, seen := came[e.to]; seen || e.to == from {
				continue
			}
			came[e.to] = e
			queue = append(queue, e.to)
		}
	}
	var way []edge
	for at := to; at != from; {
		e, ok := came[at]
		if !ok {
			return nil
		}
		way = append(way, e)
		at = e.from
	}
	slices.Reverse(way)
	return way
}

// keyOf tells circles apart, wherever they begin.
func keyOf(circle []edge) string {
	pairs := make([]string, len(circle))
	for i, e := range circle {
		pairs[i] = fmt.Sprintf("%x>%x", e.from, e.to)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// report emits an event about a circle that an entry closed.
func (f *finder) report(pid uint32, circle []edge, entry wasmapi.Data) error {
	comm, err := f.comm.Text(entry)
	if err != nil {
		return err
	}
	mntns, err := wasmapi.Get[uint64](f.mntns, entry)
	if err != nil {
		return err
	}
	stacks := make([]string, len(circle))
	for i, e := range circle {
		stacks[i] = fmt.Sprintf("[%d, %d]", int64(e.fromStack), int64(e.toStack))
	}
	return f.deadlock.Emit(func(event wasmapi.Data) error {
		return errors.Join(
			wasmapi.Set(f.outPID, event, pid),
			wasmapi.Set(f.outNodes, event, uint64(len(circle))),
			f.outStacks.SetText(event, strings.Join(stacks, ", ")),
			f.outComm.SetText(event, comm),
			wasmapi.Set(f.outMntns, event, mntns))
	})
}

func main() {}
