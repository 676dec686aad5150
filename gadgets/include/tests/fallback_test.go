package tests

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/perf"
)

// withoutRingBuffers returns the kernel's BTF as if it had no ring buffers.
func withoutRingBuffers(t *testing.T) *btf.Spec {
	t.Helper()
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("needs the kernel's BTF: %v", err)
	}
	kernel = kernel.Copy()
	var helpers *btf.Enum
	if err := kernel.TypeByName("bpf_func_id", &helpers); err != nil {
		t.Fatal(err)
	}
	renamed := 0
	for i := range helpers.Values {
		if v := &helpers.Values[i]; strings.HasPrefix(v.Name, "BPF_FUNC_ringbuf_") {
			v.Name = "absent_" + v.Name
			renamed++
		}
	}
	if renamed == 0 {
		t.Fatal("the kernel's BTF has no helpers of ring buffers to take away")
	}
	return kernel
}

// As a runner does on a kernel that has no ring buffers.
func TestPerfArrayWithoutRingBuffer(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, program := range []string{"reserve", "output"} {
		t.Run(program, func(t *testing.T) {
			spec := object(t, "FUNCTIONS")
			events := spec.Maps["events"]
			events.Type, events.KeySize, events.ValueSize, events.MaxEntries = ebpf.PerfEventArray, 4, 4, 0
			coll := loadFor(t, withoutRingBuffers(t), spec, program)
			reader, err := perf.NewReader(coll.Maps["events"], os.Getpagesize())
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			if _, err := coll.Programs[program].Run(&ebpf.RunOptions{}); err != nil {
				t.Fatal(err)
			}
			record, err := reader.Read()
			if err != nil {
				t.Fatal(err)
			}
			const size = 152 // of struct event; the kernel pads samples
			checkEvent(t, record.RawSample[:size])
		})
	}
}

// A ring buffer and a program that expects none do not fit.
func TestRingBufferMissing(t *testing.T) {
	spec := object(t, "FUNCTIONS")
	spec.Programs = map[string]*ebpf.ProgramSpec{"output": spec.Programs["output"]}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Programs: ebpf.ProgramOptions{KernelTypes: withoutRingBuffers(t), ExtraRelocationTargets: enricher(t, spec)},
	})
	if err == nil {
		coll.Close()
		t.Error("the program loads, so it did not choose perf_event_output")
	}
}
