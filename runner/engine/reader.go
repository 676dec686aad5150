package engine

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
)

// perfPages is the size of each CPU's perf buffer, in pages.
const perfPages = 64

// errDrained ends a reader whose buffer is empty after Flush.
var errDrained = errors.New("drained")

// sampleReader is one buffer that programs write events to. Next is called
// from one goroutine, Flush and Close from any.
type sampleReader interface {
	// Next returns the next sample, valid until the following call, and how
	// many samples the kernel says were lost before it. It returns errDrained
	// once everything has been read after Flush.
	Next() (sample []byte, lost uint64, err error)
	Flush() error
	Close() error
}

func openReader(m *ebpf.Map) (sampleReader, error) {
	switch m.Type() {
	case ebpf.RingBuf:
		r, err := ringbuf.NewReader(m)
		if err != nil {
			return nil, err
		}
		return &ringReader{Reader: r}, nil
	case ebpf.PerfEventArray:
		r, err := perf.NewReader(m, perfPages*os.Getpagesize())
		if err != nil {
			return nil, err
		}
		return &perfReader{Reader: r}, nil
	}
	return nil, fmt.Errorf("a %s is not a buffer of events", m.Type())
}

type ringReader struct {
	*ringbuf.Reader
	rec ringbuf.Record
}

func (r *ringReader) Next() ([]byte, uint64, error) {
	err := r.ReadInto(&r.rec)
	if errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, ringbuf.ErrClosed) {
		return nil, 0, errDrained
	}
	return r.rec.RawSample, 0, err
}

type perfReader struct {
	*perf.Reader
	rec perf.Record
}

func (r *perfReader) Next() ([]byte, uint64, error) {
	err := r.ReadInto(&r.rec)
	if errors.Is(err, perf.ErrFlushed) || errors.Is(err, perf.ErrClosed) {
		return nil, 0, errDrained
	}
	return r.rec.RawSample, r.rec.LostSamples, err
}
