package wasmapi

import (
	"fmt"
	"runtime"
)

// Source is a data source.
type Source struct {
	handle uint32
	name   string
}

// The types of data sources and of subscriptions, as the API numbers them.
const (
	typeSingle = 1
	typeArray  = 2

	subscribeData  = 1
	subscribeArray = 2
)

// SourceContainers is the data source of the containers that start and end, for
// gadgets with the annotation enable-containers-datasource. Its fields are
// event_type (CREATED or DELETED), container_id, name, cgroup_id and mntns_id.
const SourceContainers = "containers"

// Data is one event of a data source, or one entry of an array. It is valid until
// the function returns that got it; a Packet until it is emitted or released.
type Data uint32

// Array is the entries of a data source that has many at once.
type Array uint32

// GetSource returns the data source called name.
func GetSource(name string) (Source, error) {
	h := getDataSource(textPointer(name))
	runtime.KeepAlive(name)
	if h == 0 {
		return Source{}, fmt.Errorf("getting data source %q: the gadget has none of this name", name)
	}
	return Source{h, name}, nil
}

// NewSource makes a data source of single events.
func NewSource(name string) (Source, error) { return newSource(name, typeSingle) }

// NewArraySource makes a data source of arrays.
func NewArraySource(name string) (Source, error) { return newSource(name, typeArray) }

func newSource(name string, typ uint32) (Source, error) {
	h := newDataSource(textPointer(name), typ)
	runtime.KeepAlive(name)
	if h == 0 {
		return Source{}, fmt.Errorf("making data source %q: the runner refused it", name)
	}
	return Source{h, name}, nil
}

// Name returns the name of the data source.
func (s Source) Name() string { return s.name }

// Field returns the field called name.
func (s Source) Field(name string) (Field, error) {
	h := dataSourceGetField(s.handle, textPointer(name))
	runtime.KeepAlive(name)
	if h == 0 {
		return Field{}, fmt.Errorf("getting field %q: data source %q has none of this name", name, s.name)
	}
	return Field{h, name}, nil
}

// AddField adds a field to the events of the data source.
func (s Source) AddField(name string, kind Kind) (Field, error) {
	h := dataSourceAddField(s.handle, textPointer(name), uint32(kind))
	runtime.KeepAlive(name)
	if h == 0 {
		return Field{}, fmt.Errorf("adding field %q to data source %q: the runner refused it", name, s.name)
	}
	return Field{h, name}, nil
}

// callbacks are what the host calls, by the number that it was given.
var callbacks = map[uint64]func(data uint32){}

func (s Source) subscribe(typ uint32, priority int32, fn func(data uint32)) error {
	id := uint64(len(callbacks) + 1)
	callbacks[id] = fn
	if dataSourceSubscribe(s.handle, typ, uint32(priority), id) != 0 {
		delete(callbacks, id)
		return fmt.Errorf("subscribing to data source %q: the runner refused it", s.name)
	}
	return nil
}

// Subscribe has fn called for each event, and for each entry of an array.
func (s Source) Subscribe(fn func(event Data)) error {
	return s.SubscribeWithPriority(0, fn)
}

// SubscribeWithPriority is Subscribe among others: lower priorities come first.
func (s Source) SubscribeWithPriority(priority int32, fn func(event Data)) error {
	return s.subscribe(subscribeData, priority, func(data uint32) { fn(Data(data)) })
}

// SubscribeArray has fn called for each array.
func (s Source) SubscribeArray(fn func(entries Array)) error {
	return s.subscribe(subscribeArray, 0, func(data uint32) { fn(Array(data)) })
}

// Hide keeps the events of the data source from the output.
func (s Source) Hide() error {
	if dataSourceUnreference(s.handle) != 0 {
		return fmt.Errorf("hiding data source %q: the runner refused it", s.name)
	}
	return nil
}

// Hidden reports whether the events of the data source are kept from the output.
func (s Source) Hidden() bool { return dataSourceIsReferenced(s.handle) == 0 }

// Emit makes an event, has fn fill it and hands it on; nothing is handed on when
// fn returns an error.
func (s Source) Emit(fn func(event Data) error) error {
	packet := dataSourceNewPacketSingle(s.handle)
	return s.emit(packet, func() error { return fn(Data(packet)) })
}

// EmitArray is Emit for a data source of arrays.
func (s Source) EmitArray(fn func(entries Array) error) error {
	packet := dataSourceNewPacketArray(s.handle)
	return s.emit(packet, func() error { return fn(Array(packet)) })
}

func (s Source) emit(packet uint32, fill func() error) error {
	if packet == 0 {
		return fmt.Errorf("making an event of data source %q: the runner refused it", s.name)
	}
	if err := fill(); err != nil {
		dataSourceRelease(s.handle, packet)
		return err
	}
	if dataSourceEmitAndRelease(s.handle, packet) != 0 {
		return fmt.Errorf("emitting an event of data source %q: the runner refused it", s.name)
	}
	return nil
}

// Len returns how many entries the array has.
func (a Array) Len() int { return int(dataArrayLen(uint32(a))) }

// Get returns the entry at index i, 0 if none exists.
func (a Array) Get(i int) Data { return Data(dataArrayGet(uint32(a), uint32(i))) }

// Append adds an entry, which fn fills.
func (a Array) Append(fn func(entry Data) error) error {
	entry := dataArrayNew(uint32(a))
	if entry == 0 {
		return fmt.Errorf("making an entry: the runner refused it")
	}
	if err := fn(Data(entry)); err != nil {
		dataArrayRelease(uint32(a), entry)
		return err
	}
	if dataArrayAppend(uint32(a), entry) != 0 {
		return fmt.Errorf("appending an entry: the runner refused it")
	}
	return nil
}
