// Command program is a wasm program that uses every part of the API. What it is
// to do is in its parameter "mode".
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(initialize) }

//go:wasmexport gadgetPreStart
func gadgetPreStart() int32 { return wasmapi.Run(preStart) }

//go:wasmexport gadgetStart
func gadgetStart() int32 { return wasmapi.Run(start) }

//go:wasmexport gadgetStop
func gadgetStop() int32 { return wasmapi.Run(stop) }

func main() {}

var (
	mode  string
	made  wasmapi.Source
	words wasmapi.Field
)

func initialize() error {
	var err error
	if mode, err = wasmapi.Param("mode"); err != nil {
		return err
	}
	switch mode {
	case "refuse":
		return errors.New("this gadget does not want to")
	case "loop":
		for {
			mode += ""
		}
	case "panic":
		panic("out of order")
	case "memory":
		var hold [][]byte
		for {
			hold = append(hold, make([]byte, 1<<20))
		}
	case "log":
		for i := range 10_000 {
			wasmapi.Warnf("message %d\nof many", i)
		}
		return nil
	case "kernel":
		return kernel()
	}
	if made, err = wasmapi.NewSource("made"); err != nil {
		return err
	}
	if words, err = made.AddField("words", wasmapi.String); err != nil {
		return err
	}
	return errors.Join(events(), arrays(), chained())
}

// events gives each event of "open" fields of every kind.
func events() error {
	source, err := wasmapi.GetSource("open")
	if err != nil {
		return err
	}
	pid, err := source.Field("pid")
	if err != nil {
		return err
	}
	comm, err := source.Field("COMM")
	if err != nil {
		return err
	}
	made, err := source.Field("made_text")
	if err != nil {
		return err
	}
	set, err := every(source)
	if err != nil {
		return err
	}
	return source.Subscribe(func(event wasmapi.Data) {
		n, err := wasmapi.Get[uint32](pid, event)
		if err != nil {
			panic(err)
		}
		if _, err := wasmapi.Get[uint64](pid, event); err == nil {
			panic("a field of 4 bytes was read as one of 8")
		}
		name, err := comm.Text(event)
		if err != nil {
			panic(err)
		}
		text, err := made.Text(event)
		if err != nil {
			panic(err)
		}
		if mode == "loop in event" {
			for {
				n++
			}
		}
		if mode == "panic in event" {
			panic("pid " + fmt.Sprint(n))
		}
		if err := comm.SetText(event, "a name that is too long"); err == nil {
			panic("a text was set that does not fit")
		}
		check(comm.SetText(event, strings.ToUpper(name)))
		set(event, n, text)
	})
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// every adds a field of each kind and returns what sets them.
func every(s wasmapi.Source) (func(event wasmapi.Data, n uint32, text string), error) {
	var errs []error
	add := func(name string, kind wasmapi.Kind) wasmapi.Field {
		f, err := s.AddField(name, kind)
		errs = append(errs, err)
		return f
	}
	b, i8, i16, i32, i64 := add("bool", wasmapi.Bool), add("int8", wasmapi.Int8), add("int16", wasmapi.Int16),
		add("int32", wasmapi.Int32), add("int64", wasmapi.Int64)
	u8, u16, u32, u64 := add("uint8", wasmapi.Uint8), add("uint16", wasmapi.Uint16), add("uint32", wasmapi.Uint32),
		add("uint64", wasmapi.Uint64)
	f32, f64, str, raw := add("float32", wasmapi.Float32), add("float64", wasmapi.Float64), add("text", wasmapi.String),
		add("raw", wasmapi.Bytes)
	errs = append(errs, u64.AddTag("type:gadget_mntns_id"))
	if _, err := s.AddField("bool", wasmapi.Bool); err == nil {
		errs = append(errs, errors.New("a field was added twice"))
	}
	return func(e wasmapi.Data, n uint32, text string) {
		check(errors.Join(
			wasmapi.Set(b, e, true), wasmapi.Set(i8, e, int8(-n)), wasmapi.Set(i16, e, int16(-n)),
			wasmapi.Set(i32, e, -int32(n)),
			wasmapi.Set(i64, e, -int64(n)), wasmapi.Set(u8, e, uint8(n)), wasmapi.Set(u16, e, uint16(n)), wasmapi.Set(u32, e, n),
			wasmapi.Set(u64, e, uint64(n)<<32), wasmapi.Set(f32, e, float32(n)/2), wasmapi.Set(f64, e, float64(n)/4),
			str.SetText(e, text+" once"), str.SetText(e, text+" twice"), raw.SetBytes(e, []byte{1, 0, 2}),
		))
		if v, err := wasmapi.Get[int64](i64, e); err != nil || v != -int64(n) {
			panic("a number that was set is another")
		}
		if v, err := str.Text(e); err != nil || v != text+" twice" {
			panic("a text that was set is another: " + v)
		}
	}, errors.Join(errs...)
}

// arrays doubles each count of "counts" and appends their sum.
func arrays() error {
	source, err := wasmapi.GetSource("counts")
	if err != nil {
		return err
	}
	n, err := source.Field("n")
	if err != nil {
		return err
	}
	return source.SubscribeArray(func(entries wasmapi.Array) {
		sum := uint64(0)
		for i := range entries.Len() {
			v, err := wasmapi.Get[uint64](n, entries.Get(i))
			check(err)
			check(wasmapi.Set(n, entries.Get(i), 2*v))
			sum += 2 * v
		}
		if entries.Get(entries.Len()) != 0 {
			panic("an entry follows the last one")
		}
		check(entries.Append(func(e wasmapi.Data) error { return wasmapi.Set(n, e, sum) }))
	})
}

// chained makes an event of "made" for each one of "hidden", which is not shown.
func chained() error {
	hidden, err := wasmapi.GetSource("hidden")
	if err != nil {
		return err
	}
	word, err := hidden.Field("word")
	if err != nil {
		return err
	}
	if err := errors.Join(hidden.Hide(), hidden.Subscribe(func(event wasmapi.Data) {
		text, err := word.Text(event)
		check(err)
		check(made.Emit(func(e wasmapi.Data) error { return words.SetText(e, text+"!") }))
	})); err != nil {
		return err
	}
	if !hidden.Hidden() {
		return errors.New("a hidden data source is not hidden")
	}
	// An event that a program emits comes to it, too.
	return made.SubscribeWithPriority(5, func(event wasmapi.Data) {
		text, err := words.Text(event)
		check(err)
		if mode == "recursion" {
			_ = made.Emit(func(e wasmapi.Data) error { return words.SetText(e, text+"!") })
			return
		}
		check(words.SetText(event, text+"?"))
	})
}

func kernel() error {
	if !wasmapi.KernelHas("vfs_read") || wasmapi.KernelHas("no_such_symbol") {
		return errors.New("symbols are wrong")
	}
	name, err := wasmapi.SyscallName(1)
	if err != nil {
		return err
	}
	unknown, err := wasmapi.SyscallName(0xfff)
	if err != nil {
		return err
	}
	number, err := wasmapi.SyscallNumber("write")
	if err != nil {
		return err
	}
	params, err := wasmapi.SyscallParams("write")
	if err != nil {
		return err
	}
	wasmapi.Infof("%s %s %d %v", name, unknown, number, params)
	if _, err := wasmapi.SyscallNumber("no_such_call"); err == nil {
		return errors.New("an unknown system call has a number")
	}
	if !wasmapi.Unwanted(7) || wasmapi.Unwanted(8) {
		return errors.New("mount namespaces are wrong")
	}
	return nil
}

func preStart() error {
	if mode == "kernel" {
		return nil
	}
	if err := wasmapi.AttachTo("enter", wasmapi.Disabled); err != nil {
		return err
	}
	if err := wasmapi.SetConfig("no.such.key", "x"); err == nil {
		return errors.New("an unknown key was set")
	}
	return nil
}

func start() error {
	if mode != "maps" {
		return nil
	}
	return errors.Join(hash(), perf())
}

func hash() error {
	m, err := wasmapi.GetMap("counts")
	if err != nil {
		return err
	}
	key, value := make([]byte, 4), make([]byte, 8)
	binary.LittleEndian.PutUint32(key, 7)
	binary.LittleEndian.PutUint64(value, 42)
	if err := errors.Join(m.Update(key, value, wasmapi.UpdateNoExist), m.Lookup(key, value)); err != nil {
		return err
	}
	if m.Update(key, value, wasmapi.UpdateNoExist) == nil || m.Lookup(key[:3], value) == nil ||
		m.Lookup(key, value[:7]) == nil {
		return errors.New("a wrong call of a map passed")
	}
	if err := m.Delete(key); err != nil {
		return err
	}
	if m.Delete(key) == nil || m.Close() == nil {
		return errors.New("a key was deleted twice, or a map of the eBPF program closed")
	}
	outer, err := wasmapi.GetMap("outer")
	if err != nil {
		return err
	}
	inner, err := wasmapi.NewMap(wasmapi.MapSpec{
		Name: "inner", Type: wasmapi.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1,
	})
	if err != nil {
		return err
	}
	if err := errors.Join(outer.UpdateMap(key, inner, wasmapi.UpdateAny),
		inner.Update(key, value, wasmapi.UpdateAny)); err != nil {
		return err
	}
	again, err := outer.LookupMap(key)
	if err != nil {
		return err
	}
	clear(value)
	err = errors.Join(again.Lookup(key, value), inner.Close(), again.Release())
	if binary.LittleEndian.Uint64(value) != 42 {
		return errors.New("the map in a map is another")
	}
	if again.Release() == nil {
		return errors.New("a handle was released twice")
	}
	return err
}

func perf() error {
	m, err := wasmapi.NewMap(wasmapi.MapSpec{Name: "perf", Type: wasmapi.PerfEventArray, KeySize: 4, ValueSize: 4})
	if err != nil {
		return err
	}
	defer m.Close()
	if m.Lookup(make([]byte, 4), make([]byte, 4)) == nil {
		return errors.New("a map of file descriptors was read")
	}
	for _, overwritable := range []bool{false, true} {
		r, err := wasmapi.NewPerfReader(m, 4096, overwritable)
		if err != nil {
			return err
		}
		if err := r.Pause(); err != nil {
			return err
		}
		if got := r.Read(make([]byte, 64)); got != io.EOF {
			return fmt.Errorf("reading an empty buffer: %v", got)
		}
		if err := errors.Join(r.Resume(), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func stop() error {
	return made.Emit(func(e wasmapi.Data) error { return words.SetText(e, "the end") })
}
