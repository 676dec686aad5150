package gadgettest

import (
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
)

// CanLoad returns nil where tracing programs can be loaded, else what they need.
func CanLoad() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("needs root/CAP_BPF to load eBPF programs")
	}
	if err := features.HaveProgramType(ebpf.TracePoint); err != nil {
		return fmt.Errorf("needs CAP_BPF and a kernel with tracepoint programs: %w", err)
	}
	return nil
}

// NeedsKernel skips the test where tracing programs cannot be loaded.
func NeedsKernel(tb testing.TB) {
	tb.Helper()
	if err := CanLoad(); err != nil {
		tb.Skip(err)
	}
}
