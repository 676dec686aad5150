package wasm

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
)

var perfFunctions = []Function{
	{
		"Perf buffers", "newPerfReader", "(map u32, size u32, overwritable u32) u32",
		"Makes a reader of a perf event array with `size` bytes a CPU. Returns a handle, 0 on error.", newPerfReader,
	},
	{
		"Perf buffers", "perfReaderPause", "(reader u32) u32",
		"Keeps eBPF programs from writing, which an overwritable buffer needs to be read. Returns 0, 1 on error.", perfPause,
	},
	{
		"Perf buffers", "perfReaderResume", "(reader u32) u32", "Lets eBPF programs write again. Returns 0, 1 on error.",
		perfResume,
	},
	{
		"Perf buffers", "perfReaderRead", "(reader u32, dst buffer) u32",
		"Reads one record without waiting. Returns 0, 2 if none exists, 1 on error.", perfRead,
	},
	{"Perf buffers", "perfReaderClose", "(reader u32) u32", "Closes a reader. Returns 0, 1 on error.", perfClose},
}

// maxPerfBytes is what all buffers that a program makes may take.
const maxPerfBytes = 1 << 30

// resultNothing is the result of reading a buffer that is empty.
const resultNothing = 2

// perfReader is a reader with a handle.
type perfReader struct {
	*perf.Reader
	bytes int64
	rec   perf.Record
}

func newPerfReader(c call) {
	m, err := get[*heldMap](c, 0)
	if err != nil {
		c.handle("newPerfReader", nil, err)
		return
	}
	r, err := c.openPerf(m, c.u32(1), c.u32(2) != 0)
	if err != nil {
		c.handle("newPerfReader", nil, err)
		return
	}
	c.handle("newPerfReader", r, nil)
}

func (c call) openPerf(m *heldMap, size uint32, overwritable bool) (*perfReader, error) {
	if m.Type() != ebpf.PerfEventArray {
		return nil, fmt.Errorf("a %s is not a perf event array", m.Type())
	}
	bytes := int64(size) * int64(m.MaxEntries())
	if size == 0 || c.usage.perfBytes+bytes > maxPerfBytes {
		return nil, fmt.Errorf("%d bytes a CPU: the buffers of a program take 1 byte to %d MiB", size, maxPerfBytes>>20)
	}
	r, err := perf.NewReaderWithOptions(m.Map, int(size), perf.ReaderOptions{Overwritable: overwritable})
	if err != nil {
		return nil, err
	}
	r.SetDeadline(time.Unix(1, 0)) // long ago: reading never waits
	c.usage.perfBytes += bytes
	return &perfReader{Reader: r, bytes: bytes}, nil
}

func perfPause(c call) {
	r, err := get[*perfReader](c, 0)
	if err == nil {
		err = r.Pause()
	}
	c.done("perfReaderPause", err)
}

func perfResume(c call) {
	r, err := get[*perfReader](c, 0)
	if err == nil {
		err = r.Resume()
	}
	c.done("perfReaderResume", err)
}

func perfRead(c call) {
	r, err := get[*perfReader](c, 0)
	if err == nil {
		err = r.ReadInto(&r.rec)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.ret(resultNothing)
		return
	}
	if err == nil {
		err = c.write(1, r.rec.RawSample)
	}
	c.done("perfReaderRead", err)
}

func perfClose(c call) {
	r, err := get[*perfReader](c, 0)
	if err == nil {
		c.handles.remove(c.u32(0))
		c.Program.release(r)
	}
	c.done("perfReaderClose", err)
}
