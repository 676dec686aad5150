package wasm

import (
	"errors"
	"fmt"
	"slices"
)

// The types of data sources, as the API numbers them.
const (
	typeSingle = 1
	typeArray  = 2
)

var errStarted = errors.New("it is too late, the gadget has started")

var sourceFunctions = []Function{
	{
		"Data sources", "newDataSource", "(name string, type u32) u32",
		"Makes a data source of type 1 (single events) or 2 (arrays), until the gadget starts. Returns a handle, 0 on error.",
		newSource,
	},
	{
		"Data sources", "getDataSource", "(name string) u32", "Returns a handle of a data source, 0 if none exists.",
		getSource,
	},
	{
		"Data sources", "dataSourceSubscribe", "(source u32, type u32, priority u32, callback u64) u32",
		"Has dataSourceCallback called with `callback` for each event (type 1), array (2) or packet (3) of a data source, subscriptions of lower priority first. Returns 0, 1 on error.", subscribe,
	},
	{
		"Data sources", "dataSourceGetField", "(source u32, name string) u32",
		"Returns a handle of a field, 0 if none exists.", getField,
	},
	{
		"Data sources", "dataSourceAddField", "(source u32, name string, kind u32) u32",
		"Adds a field to a data source, until the gadget starts. Returns a handle, 0 on error.", addField,
	},
	{
		"Data sources", "dataSourceNewPacketSingle", "(source u32) u32",
		"Makes an event, whose handle is that of a packet and of its data. Returns 0 on error.", newPacketSingle,
	},
	{
		"Data sources", "dataSourceNewPacketArray", "(source u32) u32",
		"Makes an array, whose handle is that of a packet and of the array. Returns 0 on error.", newPacketArray,
	},
	{
		"Data sources", "dataSourceEmitAndRelease", "(source u32, packet u32) u32",
		"Hands a packet to the later subscriptions and to the output, and releases it. Returns 0, 1 on error.", emitPacket,
	},
	{
		"Data sources", "dataSourceRelease", "(source u32, packet u32) u32",
		"Releases a packet that is not emitted. Returns 0, 1 on error.", releasePacket,
	},
	{
		"Data sources", "dataSourceUnreference", "(source u32) u32",
		"Keeps the events of a data source from the output. Returns 0, 1 on error.", unreference,
	},
	{
		"Data sources", "dataSourceIsReferenced", "(source u32) u32",
		"Returns 1 for a data source whose events are shown, 0 for another, 2 on error.", isReferenced,
	},
}

func newSource(c call) {
	name, err := c.text(0)
	if err == nil {
		err = c.canAddSource(name, c.u32(1))
	}
	if err != nil {
		c.handle("newDataSource", nil, err)
		return
	}
	s := &Source{Name: name, Array: c.u32(1) == typeArray, Added: true}
	s.single.source = s
	c.sources = append(c.sources, s)
	c.handle("newDataSource", s, nil)
}

func (p *Program) canAddSource(name string, typ uint32) error {
	switch {
	case stage(p.stage.Load()) != stageInit:
		return fmt.Errorf("data source %q: %w", name, errStarted)
	case name == "" || len(name) > maxNameSize:
		return fmt.Errorf("%q is not a name of 1 to %d bytes", name, maxNameSize)
	case typ != typeSingle && typ != typeArray:
		return fmt.Errorf("data source %q: type %d does not exist", name, typ)
	case p.source(name) != nil:
		return fmt.Errorf("there is already a data source %q", name)
	case len(p.sources) >= maxSources:
		return fmt.Errorf("more than %d data sources", maxSources)
	}
	return nil
}

func (p *Program) source(name string) *Source {
	if i := slices.IndexFunc(p.sources, func(s *Source) bool { return s.Name == name }); i >= 0 {
		return p.sources[i]
	}
	return nil
}

func getSource(c call) {
	name, err := c.text(0)
	s := c.source(name)
	if err == nil && s == nil {
		err = fmt.Errorf("data source %q: %w", name, ErrAbsent)
	}
	c.handle("getDataSource", s, err)
}

func subscribe(c call) {
	s, err := get[*Source](c, 0)
	if err == nil {
		err = c.Program.subscribe(s, subscription{
			kind: c.u32(1), priority: int32(c.u32(2)), callback: c.stack[3], source: c.u32(0),
		})
	}
	c.done("dataSourceSubscribe", err)
}

func getField(c call) {
	s, err := get[*Source](c, 0)
	if err != nil {
		c.handle("dataSourceGetField", nil, err)
		return
	}
	name, err := c.text(1)
	f := s.Field(name)
	if err == nil && f == nil {
		err = fmt.Errorf("field %q of data source %q: %w", name, s.Name, ErrAbsent)
	}
	c.handle("dataSourceGetField", f, err)
}

func addField(c call) {
	s, err := get[*Source](c, 0)
	if err == nil && stage(c.stage.Load()) != stageInit {
		err = errStarted
	}
	if err != nil {
		c.handle("dataSourceAddField", nil, err)
		return
	}
	name, err := c.text(1)
	if err != nil {
		c.handle("dataSourceAddField", nil, err)
		return
	}
	f, err := s.addField(name, Kind(c.u32(2)))
	c.handle("dataSourceAddField", f, err)
}

func newPacketSingle(c call) {
	s, err := get[*Source](c, 0)
	if err == nil && s.Array {
		err = fmt.Errorf("data source %q has arrays, not single events", s.Name)
	}
	if err != nil {
		c.handle("dataSourceNewPacketSingle", nil, err)
		return
	}
	c.handle("dataSourceNewPacketSingle", s.newRecord(), nil)
}

func newPacketArray(c call) {
	s, err := get[*Source](c, 0)
	if err == nil && !s.Array {
		err = fmt.Errorf("data source %q has single events, not arrays", s.Name)
	}
	if err != nil {
		c.handle("dataSourceNewPacketArray", nil, err)
		return
	}
	c.handle("dataSourceNewPacketArray", &array{source: s}, nil)
}

// packet returns the packet that parameter number i is a handle of, one of s.
func (c call) packet(s *Source, i int) (any, error) {
	v := c.handles.get(c.u32(i))
	switch v := v.(type) {
	case *record:
		if v.source == s && v != &s.single {
			return v, nil
		}
	case *array:
		if v.source == s {
			return v, nil
		}
	}
	return nil, handleError{c.u32(i)}
}

func emitPacket(c call) {
	s, err := get[*Source](c, 0)
	if err != nil {
		c.done("dataSourceEmitAndRelease", err)
		return
	}
	packet, err := c.packet(s, 1)
	if err == nil {
		c.handles.remove(c.u32(1))
		err = c.emit(c.ctx, s, packet)
	}
	c.done("dataSourceEmitAndRelease", err)
}

func releasePacket(c call) {
	s, err := get[*Source](c, 0)
	if err == nil {
		_, err = c.packet(s, 1)
	}
	if err == nil {
		c.handles.remove(c.u32(1))
	}
	c.done("dataSourceRelease", err)
}

func unreference(c call) {
	s, err := get[*Source](c, 0)
	if err == nil {
		s.Unreferenced = true
	}
	c.done("dataSourceUnreference", err)
}

func isReferenced(c call) {
	s, err := get[*Source](c, 0)
	switch {
	case err != nil:
		c.report("dataSourceIsReferenced", err)
		c.ret(2)
	case s.Unreferenced:
		c.ret(0)
	default:
		c.ret(1)
	}
}
