package engine

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/network"
)

// defaultFrequency is how often a second a program samples that specifies nothing. It
// is not a divisor of usual timers, so that it does not run in step with them.
const defaultFrequency = 49

// perfEvents are the events that gadget.yaml can name, by type and name.
var perfEvents = map[string]map[string]uint64{
	"software": {
		"": unix.PERF_COUNT_SW_CPU_CLOCK, "cpu-clock": unix.PERF_COUNT_SW_CPU_CLOCK,
		"task-clock":  unix.PERF_COUNT_SW_TASK_CLOCK,
		"page-faults": unix.PERF_COUNT_SW_PAGE_FAULTS, "context-switches": unix.PERF_COUNT_SW_CONTEXT_SWITCHES,
		"cpu-migrations": unix.PERF_COUNT_SW_CPU_MIGRATIONS,
	},
	"hardware": {
		"": unix.PERF_COUNT_HW_CPU_CYCLES, "cpu-cycles": unix.PERF_COUNT_HW_CPU_CYCLES,
		"instructions":     unix.PERF_COUNT_HW_INSTRUCTIONS,
		"cache-references": unix.PERF_COUNT_HW_CACHE_REFERENCES, "cache-misses": unix.PERF_COUNT_HW_CACHE_MISSES,
		"branch-instructions": unix.PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branch-misses": unix.PERF_COUNT_HW_BRANCH_MISSES,
	},
}

// perfAttr returns the event that the options of a program name.
func perfAttr(o gadgetapi.ProgramOptions) (*unix.PerfEventAttr, error) {
	attr := &unix.PerfEventAttr{
		Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Sample: defaultFrequency, Bits: unix.PerfBitFreq,
	}
	kind := plainName(o.PerfType, "perf_", "type_")
	if kind == "" {
		kind = "software"
	}
	events, ok := perfEvents[kind]
	if !ok {
		return nil, fmt.Errorf("perf type %q, use software or hardware", o.PerfType)
	}
	if kind == "hardware" {
		attr.Type = unix.PERF_TYPE_HARDWARE
	} else {
		attr.Type = unix.PERF_TYPE_SOFTWARE
	}
	var err error
	if attr.Config, ok = events[plainName(o.PerfConfig, "perf_", "count_sw_", "count_hw_")]; !ok {
		if attr.Config, err = strconv.ParseUint(o.PerfConfig, 0, 64); err != nil {
			return nil, fmt.Errorf("perf config %q is not an event of the type %s", o.PerfConfig, kind)
		}
	}
	rate := o.Frequency
	if o.Period != "" {
		rate, attr.Bits = o.Period, 0
	}
	if rate == "" {
		return attr, nil
	}
	if attr.Sample, err = strconv.ParseUint(rate, 10, 32); err != nil || attr.Sample == 0 {
		return nil, fmt.Errorf("sampler rate %q is not a number above 0", rate)
	}
	return attr, nil
}

// plainName returns name as perf(1) spells it: PERF_COUNT_SW_CPU_CLOCK and
// count_sw_cpu_clock are cpu-clock.
func plainName(name string, prefixes ...string) string {
	name = strings.ToLower(name)
	for _, p := range prefixes {
		name = strings.TrimPrefix(name, p)
	}
	return strings.ReplaceAll(name, "_", "-")
}

// attachPerfEvent runs prog on an event of every CPU. A machine without counters,
// as many virtual ones are, has the clock of the kernel in their place.
func attachPerfEvent(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	attr, err := perfAttr(pr.Options)
	if err != nil {
		return nil, err
	}
	c, err := onEveryCPU(attr, prog)
	if attr.Type != unix.PERF_TYPE_HARDWARE || !noCounter(err) {
		return c, err
	}
	l.note("program %q samples the clock of the kernel, this machine does not count the event of the hardware", pr.Name)
	attr.Type, attr.Config = unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_CLOCK
	if attr.Bits&unix.PerfBitFreq == 0 {
		attr.Sample, attr.Bits = defaultFrequency, unix.PerfBitFreq
	}
	return onEveryCPU(attr, prog)
}

// noCounter reports whether err means that the machine does not count an event.
func noCounter(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODEV)
}

func onEveryCPU(attr *unix.PerfEventAttr, prog *ebpf.Program) (io.Closer, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	var all network.Closers
	for cpu := range cpus {
		fd, err := unix.PerfEventOpen(attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ENODEV) && cpu > 0 {
			continue // offline
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening the event on CPU %d: %w", cpu, err), all.Close())
		}
		all = append(all, descriptor(fd))
		err = errors.Join(
			unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()),
			unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0),
		)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting the event on CPU %d: %w", cpu, err), all.Close())
		}
	}
	return all, nil
}
