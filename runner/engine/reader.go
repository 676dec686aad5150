package engine

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
)

// perfPages is the size of each CPU's perf buffer, in pages.
const perfPages = 64

// batchedSuffix ends the name of the variable of a buffer that gadget/buffer.h has for
// openReader.
const batchedSuffix = "_batched"

// errDrained ends a reader whose buffer is empty after Flush.
var errDrained = errors.New("drained")

// sampleReader is one buffer that programs write events to. Next is called
// from one goroutine, Flush and Close from any.
type sampleReader interface {
	// Next returns the next sample, valid until the following call, and how
	// many samples were lost before it according to the kernel. It returns errDrained
	// once everything has been read after Flush.
	Next() (sample []byte, lost uint64, err error)
	Flush() error
	Close() error
}

// openReader opens the buffer m. batched is the variable that configures the programs not
// to wake the reader for each event, nil where they lack it.
func openReader(m *ebpf.Map, batched *ebpf.Variable) (sampleReader, error) {
	switch m.Type() {
	case ebpf.RingBuf:
		r, err := ringbuf.NewReader(m)
		if err != nil {
			return nil, err
		}
		return newRingReader(r, batched), nil
	case ebpf.PerfEventArray:
		size := perfPages * os.Getpagesize()
		r, err := perf.NewReaderWithOptions(m, size, perf.ReaderOptions{Watermark: size / 4})
		if err != nil {
			return nil, err
		}
		return &perfReader{Reader: r}, nil
	}
	return nil, fmt.Errorf("a %s is not a buffer of events", m.Type())
}

// perfReader is woken when a buffer is a quarter full, and looks every maxDelay.
type perfReader struct {
	*perf.Reader
	rec   perf.Record
	since time.Time // when the deadline was set
}

func (r *perfReader) Next() ([]byte, uint64, error) {
	var err error
	for {
		if now := time.Now(); now.Sub(r.since) > maxDelay/2 {
			r.since = now
			r.SetDeadline(now.Add(maxDelay))
		}
		if err = r.ReadInto(&r.rec); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		r.since = time.Time{}
	}
	if errors.Is(err, perf.ErrFlushed) || errors.Is(err, perf.ErrClosed) {
		return nil, 0, errDrained
	}
	return r.rec.RawSample, r.rec.LostSamples, err
}
