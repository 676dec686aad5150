package engine

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// noWakeup is BPF_RB_NO_WAKEUP.
const noWakeup = 1

// ringWriter is a ring buffer and the programs that write to it.
type ringWriter struct {
	tb      testing.TB
	coll    *ebpf.Collection
	batched *ebpf.Variable
}

func newRingWriter(tb testing.TB) *ringWriter {
	tb.Helper()
	gadgettest.NeedsKernel(tb)
	program := func(flags int32) *ebpf.ProgramSpec {
		return &ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, 7),
			asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
			asm.LoadMapPtr(asm.R1, 0).WithReference("events"),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -8),
			asm.Mov.Imm(asm.R3, 8),
			asm.Mov.Imm(asm.R4, flags),
			asm.FnRingbufOutput.Call(),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		}}
	}
	coll, err := ebpf.NewCollection(&ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			"events": {Type: ebpf.RingBuf, MaxEntries: 64 << 10},
			".bss": {
				Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1 << 10, // BPF_F_MMAPABLE
				Contents: []ebpf.MapKV{{Key: uint32(0), Value: make([]byte, 4)}},
			},
		},
		Programs: map[string]*ebpf.ProgramSpec{"wake": program(0), "quiet": program(noWakeup)},
		Variables: map[string]*ebpf.VariableSpec{"events_batched": {
			Name: "events_batched", SectionName: ".bss", Value: make([]byte, 4),
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(coll.Close)
	return &ringWriter{tb, coll, coll.Variables["events_batched"]}
}

// write writes n events as the programs of buffer.h would.
func (w *ringWriter) write(n int) {
	w.tb.Helper()
	for range n {
		program := "wake"
		if w.value() != 0 {
			program = "quiet"
		}
		if _, err := w.coll.Programs[program].Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
			w.tb.Error(err)
		}
	}
}

func (w *ringWriter) value() uint32 {
	b := make([]byte, 4)
	if w.batched == nil || w.batched.Get(b) != nil {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// reader reads until the test ends; the channel gets the time of each event.
func (w *ringWriter) reader(batched *ebpf.Variable) <-chan time.Time {
	w.tb.Helper()
	r, err := openReader(w.coll.Maps["events"], batched)
	if err != nil {
		w.tb.Fatal(err)
	}
	times, done := make(chan time.Time, 10_000), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, _, err := r.Next(); err != nil {
				return
			}
			times <- time.Now()
		}
	}()
	w.tb.Cleanup(func() {
		_ = r.Close()
		<-done
	})
	return times
}

// slack is how much later than it should a busy machine does something.
const slack = 10 * time.Second

func wait(t *testing.T, times <-chan time.Time, n int) {
	t.Helper()
	for range n {
		select {
		case <-times:
		case <-time.After(slack):
			t.Fatal("an event that was written did not come")
		}
	}
}

func TestManyEventsReadInBatches(t *testing.T) {
	w := newRingWriter(t)
	times := w.reader(w.batched)
	w.write(1)
	wait(t, times, 1)
	if w.value() != 0 {
		t.Fatal("one event makes the reader wait for others")
	}
	// Many: the programs are notified, and what does not wake the reader comes, too.
	for end := time.Now().Add(slack); w.value() == 0; {
		if time.Now().After(end) {
			t.Fatal("many events are read one by one")
		}
		w.write(1)
		wait(t, times, 1)
	}
	w.write(100)
	wait(t, times, 100)
	// When it is quiet again each event wakes the reader.
	for end := time.Now().Add(slack); w.value() != 0; time.Sleep(maxDelay) {
		if time.Now().After(end) {
			t.Fatal("the reader waits for others while none exist")
		}
	}
	w.write(1)
	wait(t, times, 1)
}

func TestEventsOfOtherPrograms(t *testing.T) {
	w := newRingWriter(t)
	times := w.reader(nil)
	for range 50 {
		w.write(20)
		wait(t, times, 20)
	}
	time.Sleep(3 * maxDelay)
	w.write(1)
	wait(t, times, 1)
}

func TestSleepEndsBeforeBufferFull(t *testing.T) {
	w := newRingWriter(t)
	reader, err := openReader(w.coll.Maps["events"], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	r := reader.(*ringReader)
	for _, size := range []int{8, 100, 1000} {
		r.rec.RawSample = make([]byte, size)
		d := r.sleep()
		if written := d.Seconds() * burst * float64(size+ringHeader); d > minSleep && written > float64(r.BufferSize())/2 {
			t.Errorf("%v for events of %d bytes, %f bytes come meanwhile", d, size, written)
		}
		if d < minSleep || d > maxDelay {
			t.Errorf("%v for events of %d bytes", d, size)
		}
	}
}
