package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/internal/packetfilter"
	"github.com/rules-gadget/rules_gadget/runner/network"
	"github.com/rules-gadget/rules_gadget/runner/sockets"
	"github.com/rules-gadget/rules_gadget/runner/userprobe"
)

// LoadOptions are what Load needs in addition to the plan.
type LoadOptions struct {
	// KernelTypes is the BTF to relocate against, nil for the kernel's own.
	KernelTypes *btf.Spec
	// Cache has the kernel's own BTF, or reads it when it is needed; may be nil.
	Cache *btf.Cache
	// Metadata specifies when arrays are read.
	Metadata gadgetapi.Metadata
	// PinPath is where maps with LIBBPF_PIN_BY_NAME live.
	PinPath string
	// FilterMountNS makes the programs ignore every mount namespace that
	// AllowMountNS was not called for; see gadgetapi.Spec.FiltersMountNS.
	FilterMountNS bool
	// Places are where programs of the network and of control groups are attached.
	Places Places
	// Roots are where user programs are probed and packets are seen.
	Roots Roots
	// PacketFilters are what takes the place of the gadget's packet filters, by name.
	PacketFilters map[string]*packetfilter.Filter
	// Feeds are data sources that no eBPF program fills.
	Feeds []Feed
	// Programless reports whether the gadget can run without eBPF programs.
	Programless bool
	// Statistics makes the verifier report what Verified returns.
	Statistics bool
	// Note receives a sentence for what is skipped, may be nil. Detail receives
	// details for --verbose, may be nil.
	Note, Detail func(format string, args ...any)
}

// DefaultPinPath is the bpffs directory of maps that programs share by name.
const DefaultPinPath = "/sys/fs/bpf"

// Loaded is a gadget whose programs the kernel has accepted. Close it.
type Loaded struct {
	fetching atomic.Int32 // readings of arrays that are under way

	plan   *gadgetapi.Spec
	coll   *ebpf.Collection
	feeds  []Feed
	note   func(format string, args ...any)
	detail func(format string, args ...any)
	links  []io.Closer
	// tracepoints are the events of tracepoints while programs are attached.
	tracepoints map[string]opened

	where  Places
	owners *sockets.Owners // nil when the gadget does not request them
	// probes and networks attach programs on this machine and in containers.
	probes   *userprobe.Set
	networks *network.Set
	queues   *network.Queues
	kept     int // programs that they have
	roots    Roots
	// single are programs for many functions that are attached to one after the other.
	single map[string]bool
	// skipped are the reasons why programs were not attached.
	skipped []error
	// readers of the tracer maps, in the order of tracers.
	readers []sampleReader
	rests   []*gadgetapi.Rest // of the same tracers, nil without rest
	arrays  []array
	follows bool      // a feed of single events is there
	reading *readLoop // of the last Run
}

// Load gives the plan's programs and maps to the kernel and opens the readers
// of its tracers. Nothing is attached yet.
func Load(plan *gadgetapi.Spec, opts LoadOptions) (*Loaded, error) {
	if err := checkPlanPrivilege(plan); err != nil {
		return nil, err
	}
	if len(plan.Programs) > 0 || !opts.Programless {
		if err := errors.Join(plan.Err(), plan.Runnable(), opts.Places.check(plan, opts.Roots)); err != nil {
			return nil, err
		}
	}
	l := &Loaded{
		plan: plan, note: orNothing(opts.Note), detail: orNothing(opts.Detail), roots: opts.Roots, feeds: opts.Feeds,
		where: opts.Places,
	}
	l.single = map[string]bool{}
	opts.Cache = cmp.Or(opts.Cache, btf.NewCache())
	spec, err := l.prepare(opts)
	if err != nil {
		return nil, err
	}
	owners := l.openOwners(spec, opts)
	own, err := l.ownTypes(spec)
	if err != nil {
		l.Close()
		return nil, err
	}
	// Kernels before 5.11 count maps against this limit; where raising it is
	// refused, the map's own error reports it. cilium/ebpf's rlimit tests
	// whether it is needed when the process starts, which takes every command
	// 1.5 ms.
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	l.coll, err = l.loadCollection(spec, ebpf.CollectionOptions{
		Maps: ebpf.MapOptions{PinPath: opts.PinPath},

		MapReplacements: owners,
		Programs: ebpf.ProgramOptions{
			KernelTypes: opts.KernelTypes, ExtraRelocationTargets: own, LogLevel: statistics(opts.Statistics),
		},
		Cache: opts.Cache,
	}, SysBTF)
	if err != nil {
		l.Close()
		return nil, explainLoad(spec, err)
	}
	l.probes, l.networks = userprobe.NewSet(l.coll.Maps), network.NewSet()
	l.queues = network.NewQueues(opts.Places.Interfaces)
	if err := errors.Join(l.openReaders(opts.Metadata), l.openArrays(opts.Metadata), l.openFeeds()); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// orNothing returns f, or a function that does nothing.
func orNothing(f func(format string, args ...any)) func(format string, args ...any) {
	if f != nil {
		return f
	}
	return func(string, ...any) {}
}

// newCollection relocates and loads spec. Types are decoded when they are needed,
// so that damaged ones show here. What is rejected while the verifier only counts
// is loaded once more: the library then requests the whole log.
func newCollection(spec *ebpf.CollectionSpec, opts ebpf.CollectionOptions) (c *ebpf.Collection, err error) {
	defer guard.Panics(&err)
	c, err = ebpf.NewCollectionWithOptions(spec.Copy(), opts)
	var rejected *ebpf.VerifierError
	if opts.Programs.LogLevel != 0 && errors.As(err, &rejected) {
		opts.Programs.LogLevel = 0
		return ebpf.NewCollectionWithOptions(spec, opts)
	}
	return c, err
}

// ProgramIDs returns the kernel's numbers of the loaded programs.
func (l *Loaded) ProgramIDs() []uint32 {
	var out []uint32
	for _, p := range l.coll.Programs {
		info, err := p.Info()
		if err != nil {
			continue
		}
		if id, ok := info.ID(); ok {
			out = append(out, uint32(id))
		}
	}
	return out
}

// Map returns a map of the gadget, nil when it has none of that name.
func (l *Loaded) Map(name string) *ebpf.Map { return l.coll.Maps[name] }

// prepare returns a copy of the spec as this kernel can take it.
func (l *Loaded) prepare(opts LoadOptions) (*ebpf.CollectionSpec, error) {
	spec := l.plan.Collection.Copy()
	for _, pr := range l.plan.Programs {
		if pr.Disabled {
			delete(spec.Programs, pr.Name)
			continue
		}
		spec.Programs[pr.Name].AttachTo = pr.AttachTo
	}
	if err := errors.Join(sizeMaps(spec), userprobe.PrepareCookies(spec),
		setPacketFilters(spec, opts.PacketFilters)); err != nil {
		return nil, err
	}
	if opts.FilterMountNS {
		if err := filterMountNS(spec); err != nil {
			return nil, err
		}
	}
	l.singleProbes(spec)
	if err := l.chooseFallbacks(spec, opts.Cache); err != nil {
		return nil, err
	}
	if err := l.checkKinds(spec); err != nil {
		return nil, err
	}
	l.letOthersRun(spec)
	l.fixTracerMaps(spec)
	l.pinMaps(spec, opts.PinPath)
	return spec, nil
}

// sizeMaps gives each map the size of the constant "<map>_max_entries".
func sizeMaps(spec *ebpf.CollectionSpec) error {
	for name, v := range spec.Variables {
		m := spec.Maps[strings.TrimSuffix(name, gadgetapi.MaxEntriesSuffix)]
		if m == nil || !strings.HasSuffix(name, gadgetapi.MaxEntriesSuffix) || v.Size() != 4 {
			continue
		}
		var n uint32
		if err := v.Get(&n); err != nil {
			return fmt.Errorf("reading the size of map %q: %w", m.Name, err)
		}
		if n > 0 {
			m.MaxEntries = n
		}
	}
	return nil
}

// fixTracerMaps makes ring buffers perf arrays on kernels before 5.8.
func (l *Loaded) fixTracerMaps(spec *ebpf.CollectionSpec) {
	for _, t := range l.tracers() {
		m := spec.Maps[t.Map]
		if m.Type != ebpf.RingBuf {
			continue
		}
		if err := features.HaveMapType(ebpf.RingBuf); !errors.Is(err, ebpf.ErrNotSupported) {
			return
		}
		m.Type, m.KeySize, m.ValueSize, m.MaxEntries = ebpf.PerfEventArray, 4, 4, 0
		l.note("this kernel has no ring buffers, using perf buffers for %q", t.Map)
	}
}

func (l *Loaded) openReaders(md gadgetapi.Metadata) error {
	for _, t := range l.tracers() {
		rest, err := t.Rest(md.DataSources[t.Name].Annotations)
		if err != nil {
			return fmt.Errorf("data source %q: %w", t.Name, err)
		}
		l.rests = append(l.rests, rest)
		r, err := openReader(l.coll.Maps[t.Map], l.coll.Variables[t.Map+batchedSuffix])
		if err != nil {
			return fmt.Errorf("opening the buffer %q: %w", t.Map, err)
		}
		l.readers = append(l.readers, r)
	}
	return nil
}

// tracers returns the data sources of single events, which come first.
func (l *Loaded) tracers() []gadgetapi.Table {
	n := slices.IndexFunc(l.plan.Tables, func(t gadgetapi.Table) bool { return t.Kind != gadgetapi.Tracer })
	if n < 0 {
		return l.plan.Tables
	}
	return l.plan.Tables[:n]
}

// Detach detaches every program. It never waits for a reader and may be called
// more than once.
func (l *Loaded) Detach() error {
	var wg sync.WaitGroup
	var detached, kept error
	wg.Go(func() { detached = links(l.links).Close() })
	if l.probes != nil {
		kept = errors.Join(l.probes.Close(), l.networks.Close())
	}
	wg.Wait()
	l.links, l.kept = nil, 0
	return errors.Join(detached, kept)
}

// links are closed at the same time: for each the kernel waits, up to a sixth of a
// second, until no CPU runs the program. Probes halve that when they wait
// together; fentry programs wait one after the other, below a lock of the kernel.
type links []io.Closer

// Close closes all. Its errors are in the order of the links.
func (ls links) Close() error {
	var wg sync.WaitGroup
	errs := make([]error, len(ls))
	for i, ln := range ls {
		wg.Go(func() { errs[i] = ln.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close detaches what is still attached and frees everything.
func (l *Loaded) Close() error {
	err := l.Detach()
	for _, r := range l.readers {
		err = errors.Join(err, r.Close())
	}
	l.readers = nil
	if l.coll != nil {
		l.coll.Close()
		l.coll = nil
	}
	for _, f := range l.feeds {
		if f.Close != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if l.owners != nil {
		err = errors.Join(err, l.owners.Close())
		l.owners = nil
	}
	return err
}
