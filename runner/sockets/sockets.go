// Package sockets finds out which process owns a socket, and keeps a map of it in the
// kernel that gadgets look packets up in (gadget_sockets of the public gadget
// API). It needs no kprobes: an iterator over the files of all tasks finds the
// sockets that there are, in every network namespace; tracepoints find those that
// get a port later.
//
// How old an answer can be: a socket that a process binds, connects or sends from
// is known before its first packet is seen. One that gets its port without such a
// call (io_uring) is found when the files are looked through again, every
// Refresh. One that was closed stays known for up to Refresh.
package sockets

import (
	"bytes"
	"context"
	_ "embed" // the object
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

//go:generate sh -c "cd program && go run compile.go"

//go:embed program/sockets.bpf.o
var object []byte

// MapName is the map of sockets in gadgets (public gadget API).
const MapName = "gadget_sockets"

// Refresh is how often the files of all tasks are looked through.
const Refresh = 10 * time.Second

// maxSeen is how many bytes the iterator may write, 24 for a socket.
const maxSeen = 64 << 20

// Owners keeps the owners of sockets up to date. Close it.
type Owners struct {
	coll  *ebpf.Collection
	links []link.Link
	iter  *link.Iter
	spec  *ebpf.CollectionSpec
	warn  func(error)
}

// Options are what Open needs.
type Options struct {
	// Cache has the kernel's types, or reads them; may be nil.
	Cache *btf.Cache
	// Tracefs calls a function where tracefs is mounted; nil where it is anyway.
	Tracefs func(fn func() error) error
	// Warn is called for what goes wrong later, from another goroutine.
	Warn func(error)
}

// Open loads the programs, attaches them and looks through the files of all tasks
// once.
func Open(opts Options) (*Owners, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("reading the socket programs: %w", err)
	}
	o := &Owners{spec: spec, warn: opts.Warn}
	if o.coll, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: opts.Cache}); err != nil {
		return nil, fmt.Errorf("finding the owners of sockets (needs Linux 5.8 with BTF): %w", err)
	}
	attach := o.attach
	if opts.Tracefs != nil {
		attach = func() error { return opts.Tracefs(o.attach) }
	}
	if err := attach(); err != nil {
		return nil, errors.Join(fmt.Errorf("finding the owners of sockets: %w", err), o.Close())
	}
	if err := o.refresh(); err != nil {
		return nil, errors.Join(fmt.Errorf("finding the owners of sockets: %w", err), o.Close())
	}
	return o, nil
}

// attach attaches the tracepoints first, so that no socket is missed between.
func (o *Owners) attach() error {
	for name, prog := range o.spec.Programs {
		ln, err := o.attachOne(o.coll.Programs[name], prog)
		if errors.Is(err, syscall.EACCES) {
			err = fmt.Errorf("%w, run it as root or with CAP_DAC_READ_SEARCH: tracefs belongs to root alone", err)
		}
		if err != nil {
			return fmt.Errorf("attaching %s to %s: %w", name, prog.AttachTo, err)
		}
		if iter, ok := ln.(*link.Iter); ok {
			o.iter = iter
		}
		o.links = append(o.links, ln)
	}
	return nil
}

func (o *Owners) attachOne(prog *ebpf.Program, spec *ebpf.ProgramSpec) (link.Link, error) {
	switch spec.Type {
	case ebpf.TracePoint:
		group, name, _ := bytes.Cut([]byte(spec.AttachTo), []byte("/"))
		return link.Tracepoint(string(group), string(name), prog, nil)
	case ebpf.RawTracepoint:
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: spec.AttachTo, Program: prog})
	}
	return link.AttachIter(link.IterOptions{Program: prog})
}

// Map returns the map of sockets.
func (o *Owners) Map() *ebpf.Map { return o.coll.Maps[MapName] }

// Types returns BTF that has the struct of the values of Map, which gadgets are
// to be relocated against.
func (o *Owners) Types() *btf.Spec { return o.spec.Types }

// Replace makes the object of a gadget use Map: it changes spec, and returns the
// map for the options of its collection; nil when the object does not request
// owners.
func (o *Owners) Replace(spec *ebpf.CollectionSpec) map[string]*ebpf.Map {
	theirs, ours := spec.Maps[MapName], o.spec.Maps[MapName]
	if theirs == nil {
		return nil
	}
	theirs.KeySize, theirs.ValueSize = ours.KeySize, ours.ValueSize
	theirs.Key, theirs.Value = ours.Key, ours.Value
	theirs.MaxEntries, theirs.Flags, theirs.Type, theirs.Pinning = ours.MaxEntries, ours.Flags, ours.Type, ebpf.PinNone
	return map[string]*ebpf.Map{MapName: o.Map()}
}

// Run looks through the files again every Refresh until ctx ends.
func (o *Owners) Run(ctx context.Context) {
	tick := time.NewTicker(Refresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := o.refresh(); err != nil {
				o.warn(fmt.Errorf("finding the owners of sockets: %w", err))
			}
		}
	}
}

// Key is the key of the map: struct gadget_socket_key.
type Key struct {
	NetNS  uint32
	Family uint16
	Proto  uint8
	_      uint8
	Port   uint16
	_      [2]uint8
}

// value is the value of the map, as far as it is used here.
type value struct {
	MountNS, PIDTGID, UIDGID uint64
	Comm, ParentComm         [16]byte
	Sock, Deleted            uint64
	ParentPID, ParentTID     uint32
	IPv6Only                 bool
	_                        [7]byte
}

// seen is what the iterator writes for a socket.
type seen struct {
	Key
	_    [4]byte
	Sock uint64
}

const seenSize = 24

// refresh adds the sockets that are not known and forgets those that are gone.
func (o *Owners) refresh() error {
	before, err := o.entries()
	if err != nil {
		return err
	}
	r, err := o.iter.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxSeen))
	if err != nil {
		return err
	}
	for ; len(data) >= seenSize; data = data[seenSize:] {
		var s seen
		if _, err := binary.Decode(data, binary.NativeEndian, &s); err != nil {
			return err
		}
		delete(before, s.Key)
	}
	return o.forget(before)
}

// entries returns the sockets of the map.
func (o *Owners) entries() (map[Key]uint64, error) {
	out := map[Key]uint64{}
	var k Key
	var v value
	it := o.Map().Iterate()
	for it.Next(&k, &v) {
		out[k] = v.Sock
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("reading the map of sockets: %w", err)
	}
	return out, nil
}

// forget removes sockets that no task has open, unless another one has
// taken the place.
func (o *Owners) forget(gone map[Key]uint64) error {
	for k, sock := range gone {
		var v value
		if err := o.Map().Lookup(k, &v); err != nil || v.Sock != sock {
			continue
		}
		if err := o.Map().Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("removing a socket: %w", err)
		}
	}
	return nil
}

// Close detaches everything.
func (o *Owners) Close() error {
	var err error
	for _, ln := range o.links {
		err = errors.Join(err, ln.Close())
	}
	o.links = nil
	o.coll.Close()
	return err
}
