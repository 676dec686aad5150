// Package runcmd is the command "gadget-run run": it finds a gadget, gives its
// parameters their values, loads it and writes its events.
package runcmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/packetfilter"
	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/enrich"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/rights"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// Cmd are the flags of "gadget-run run". Flags of the gadget itself are not
// among them: Split sets them apart before the command line is parsed.
type Cmd struct {
	Gadget string `arg:"" name:"gadget" help:"Reference in a registry, or a path (./DIR, ./FILE.tar, oci:DIR:NAME) of a layout or an archive; several run together."`

	Pull            string      `enum:"always,missing,never" default:"missing" help:"When to pull the gadget: ${enum}." group:"Gadget"`
	DisallowPulling bool        `help:"Do not pull, as --pull=never." group:"Gadget"`
	AllowedGadgets  []string    `placeholder:"REFS" help:"Run only these gadgets: references, name@digest, a digest, or a prefix followed by *." group:"Gadget"`
	Locked          cli.File    `placeholder:"FILE" help:"Run only gadgets of this lock file, with the digests in it." group:"Gadget"`
	BTF             cli.File    `name:"btf" placeholder:"FILE" help:"BTF of the running kernel, for kernels that have none." group:"Gadget"`
	Timeout         cli.Timeout `short:"t" placeholder:"TIME" help:"Stop after this time: 5s, 2m30s, or a number of seconds." group:"Gadget"`
	Host            bool        `help:"Trace the whole machine, the default without container flags, and do not show the container column." group:"Gadget"`
	File            string      `short:"f" placeholder:"FILE" help:"Instance manifest (YAML) that names the gadget and values of parameters, - for stdin; flags of the command line override it." group:"Gadget"`
	ReadyFD         int         `name:"ready-fd" placeholder:"N" help:"Write one line to this file descriptor once every program is attached, and close it." group:"Gadget"`
	PinPath         string      `placeholder:"DIR" default:"/sys/fs/bpf" help:"Directory in a bpffs of maps that the gadget shares with other programs by name." group:"Gadget"`
	Iface           []string    `placeholder:"NAMES" help:"Network interfaces for socket filter, tc and XDP programs, comma-separated." group:"Gadget"`
	Cgroup          string      `placeholder:"DIR" help:"Directory of cgroup v2 for its programs, the root when not given." group:"Gadget"`
	Annotate        []string    `placeholder:"LIST" help:"Annotations over those of the gadget: \"source:key=value\", \"source.field:key=value\", comma-separated." group:"Gadget"`

	Output     string   `short:"o" placeholder:"MODE" help:"Format of the events: columns, custom-columns=a,b, json, jsonpretty, yaml, raw, advise, folded, flamegraph, pprof, pcap-ng, top, none; \"source:mode,source2:mode\" for each data source." group:"Output"`
	Fields     string   `placeholder:"LIST" help:"Fields to show: \"a,b\" for exactly these, \"+a,-b\" to add and remove; \"source:a;b\" for one data source and the others." group:"Output"`
	Filter     []string `short:"F" sep:"none" placeholder:"RULES" help:"Show only matching events: field, one of == != >= > <= < ~ !~, value; comma-separated." group:"Output"`
	FilterExpr []string `short:"E" sep:"none" placeholder:"EXPR" help:"Show only events for which an expression holds (expr-lang.org): 'proc.comm == \"cat\" && fd > 3'." group:"Output"`
	Sort       string   `placeholder:"LIST" help:"Sort arrays of entries by these fields, \"-a\" for descending; \"source:a;source2:b\" for each data source." group:"Output"`
	MaxEntries string   `placeholder:"N" help:"Show at most this many entries of an array, -1 for all; \"source:N,source2:N\" for each data source." group:"Output"`

	OutputFileFlags         `group:"Output"`
	StackFlags              `group:"Output"`
	MetricsFlags            `group:"Output"`
	container.SelectorFlags `group:"Containers"`
	container.RuntimeFlags  `group:"Runtimes"`

	artifact.TrustFlags    `group:"Trust"`
	artifact.RegistryFlags `group:"Registry"`
}

// Rest are the flags of the gadget, as Split left them.
type Rest struct {
	Args []string
	Help bool
	// Given are the flags of the command line and of the manifest.
	Given []string
	// CommandFlags are the flags that the command line defines.
	CommandFlags FlagSet

	member *member // nil for the only gadget of a run
}

// phases of a run, each of which names itself in its errors.
type session struct {
	cmd  *Cmd
	g    *cli.Globals
	rest Rest

	// apply gives up rights of the whole process, nil to keep all.
	apply func(rights.Set) error

	runtimes func(flags container.RuntimeFlags, warn func(text string)) (enrich.Source, error)

	ready      *readiness
	containers containers
	env        *field.Env // of this machine, nil until it is needed
	kernel     *btf.Cache // the kernel's own BTF
	relocation relocationTypes
	givenBTF   found // that of --btf, zero without it
	artifact   *gadget.Artifact
	metadata   gadgetapi.Metadata
	plan       *gadgetapi.Spec
	feeds      []engine.Feed
	// packetFilters are what the user gives for those of the gadget, by name.
	packetFilters map[string]*packetfilter.Filter
	wasmKeys      []gadgetapi.Param // of params.wasm
	customKeys    []gadgetapi.Param // of params.custom
	feedKeys      []gadgetapi.Param // of the feeds
	wasm          *wasmRun          // nil for a gadget without wasm program
	compilation   *wasm.Compilation // of the wasm program
	loading       *loading          // nil unless it began early
	stacks        symbolizer.Stacks
	symbols       *symbolizer.User // nil for none
}

// notesGrace is how long a reader of stderr that does not read may hold the end of
// the run, after everything is detached.
const notesGrace = 300 * time.Millisecond

// Run runs the gadget until its timeout or a signal ends it. Both are a clean
// end; a signal while the gadget is still being fetched or loaded is
// cli.ErrInterrupted.
func (c *Cmd) Run(g *cli.Globals, rest Rest) error {
	cache := btf.NewCache()
	notes := cli.NewNotes(g.Stderr)
	quick := *g
	quick.Stderr, g = notes, &quick
	s := &session{cmd: c, g: g, rest: rest, runtimes: openRuntimes, kernel: cache, apply: rights.Set.Apply}
	if c.BTF == "" && !rest.Help {
		// Nearly every gadget needs it, and another CPU can read it meanwhile;
		// an error shows again where the types are used.
		go func() { _, _ = cache.Kernel() }()
	}
	err := rest.member.wrap(s.run(g.Ctx))
	notes.Close(notesGrace)
	if err != nil && errors.Is(err, context.Canceled) && g.Ctx.Err() != nil {
		return cli.ErrInterrupted
	}
	return err
}

func (s *session) run(ctx context.Context) error {
	if err := s.cmd.check(terminalWidth(s.g.Stdout) > 0); err != nil {
		return cli.Usage(err)
	}
	var err error
	if s.ready, err = s.rest.member.readiness(func() (*readiness, error) {
		return openReadiness(s.cmd.ReadyFD, os.Getenv)
	}); err != nil {
		return cli.Usage(err)
	}
	if err := s.open(); err != nil {
		return cli.Usage(err)
	}
	if err := s.readBTF(ctx); err != nil {
		return err
	}
	closeOutput, err := s.openOutput()
	if err != nil {
		return err
	}
	defer closeOutput()
	if err := s.fetchInTime(ctx); err != nil {
		return fmt.Errorf("fetching gadget %q: %w%s", s.cmd.Gadget, err, s.rest.mistyped())
	}
	if len(s.artifact.Wasm) > 0 && !s.rest.Help {
		// It takes longer than all else, and another CPU can do it meanwhile. What it
		// makes is not worth collecting before the gadget runs.
		raiseGC()
		s.compilation = wasm.Compile(s.artifact.Wasm, wasmCache(), wasm.DefaultLimits)
		defer s.compilation.Close()
	}
	if err := s.read(); err != nil {
		return fmt.Errorf("reading gadget %q: %w", s.cmd.Gadget, err)
	}
	if err := errors.Join(s.defaults(), s.annotate(s.cmd.Annotate)); err != nil {
		return cli.Usage(err)
	}
	if s.rest.Help {
		return s.help()
	}
	params := s.allParams()
	values, err := ParseParams(params, s.rest.Args, slices.Collect(maps.Keys(s.rest.CommandFlags))...)
	if err != nil {
		return cli.Usage(err)
	}
	s.noteForeign(values)
	s.withDefaults(params, values)
	if err := errors.Join(s.plan.SetParams(values), s.setMapParams(values), s.setFeedParams(values),
		s.setPacketFilters(values)); err != nil {
		return cli.Usage(err)
	}
	s.beginLoading()
	defer s.abandonLoading()
	if err := s.startWasm(ctx, values); err != nil {
		return err
	}
	if s.wasm != nil {
		defer s.wasm.program.Close()
	}
	ev, err := s.events()
	if err != nil {
		return cli.Usage(err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.trace(ctx, ev)
}

// open prepares what the flags request in addition to the gadget. It connects to nothing.
func (s *session) open() error { return errors.Join(s.openContainers(), s.openSymbolizers()) }

// read turns the artifact into a plan.
func (s *session) read() error {
	for _, l := range s.artifact.UnknownLayers {
		s.notef("skipping a layer of unknown type %q", l.MediaType)
	}
	md, problems := gadget.ParseMetadata(s.artifact.Metadata, "gadget.yaml", false)
	if err := problems.Err(); err != nil {
		return err
	}
	md, err := s.customize(md)
	if err != nil {
		return err
	}
	s.metadata = md.API()
	s.wasmKeys = s.wasmParams(md)
	if s.feedKeys, err = md.OperatorParams(); err != nil {
		return fmt.Errorf("gadget.yaml, %w", err)
	}
	if s.feeds, err = s.openFeeds(md); err != nil {
		return err
	}
	switch {
	case len(s.artifact.Object) > 0:
	case s.programless():
		s.plan = gadgetapi.Empty()
		return nil
	default:
		return errors.New("the gadget has neither an eBPF program nor a wasm program to run")
	}
	if s.plan, err = gadgetapi.Read(s.artifact.Object, s.metadata); err != nil {
		return err
	}
	for _, p := range s.plan.Problems() {
		if p.AtRun && !(p.NoSource && len(s.artifact.Wasm) > 0) {
			s.notef("%s", p.Text)
		}
	}
	return errors.Join(s.plan.Err(), s.plan.Runnable())
}

// programless reports whether the gadget has something to do without eBPF programs.
func (s *session) programless() bool { return len(s.feeds) > 0 || len(s.artifact.Wasm) > 0 }

// trace loads and runs the gadget.
func (s *session) trace(ctx context.Context, ev *events) error {
	stopFollowing := s.follow(ctx, ev.sources)
	defer stopFollowing()
	stopMetrics, err := s.serveMetrics(ev)
	if err != nil {
		return err
	}
	defer stopMetrics()
	stopSending, err := s.send(ev)
	if err != nil {
		return err
	}
	defer stopSending()
	loaded, err := s.finishLoading()
	if err != nil {
		return err
	}
	defer loaded.Close()
	s.bindStacks(loaded)
	for _, v := range loaded.Verified() {
		s.detailf("program %q: the verifier walked %d instructions, the stack takes %d bytes", v.Program, v.Instructions,
			v.Stack)
	}
	if err := s.choose(ctx, loaded); err != nil {
		return err
	}
	defer s.containers.tracker.Leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ev.start(s.g.Stdout, cancel)
	defer s.readKeys(ev, cancel)()
	stop := s.stopAfter(cancel)
	defer stop()
	finishReady := func() {}
	handler := engine.Handler(ev)
	if s.wasm != nil {
		s.wasm.shown, s.wasm.loaded, s.wasm.cancel = ev, loaded, cancel
		handler = wasmIn{s.wasm}
		if err := s.wasm.program.Start(); err != nil {
			return errors.Join(err, ev.finish())
		}
	}
	freeStart := startMemory()
	err = loaded.Run(ctx, handler, func() {
		s.enterContainers(loaded)
		s.confine()
		ev.attached()
		s.notef("ready, %s", programsText(loaded.Attached()))
		if s.rest.member.attached() {
			s.ready.notify(s.detailf)
			finishReady = s.ready.finish
		}
		s.kernel, s.relocation.types, s.givenBTF = nil, nil, found{}
		if s.wasm != nil {
			s.wasm.kernel.freeStartMemory()
		}
		time.AfterFunc(freeDelay, freeStart)
	})
	if s.wasm != nil {
		err = errors.Join(err, s.wasm.program.Err(), s.wasm.program.Stop())
	}
	err = errors.Join(err, ev.finish())
	loaded.Drain()
	finishReady()
	ev.summary(s.notef, s.detailf)
	return err
}

// runningGCPercent is GOGC while a gadget runs: what it needs then is small and
// does not grow, so that collecting often costs little.
const runningGCPercent = 50

// startingGCPercent is GOGC while a gadget with a wasm program starts.
const startingGCPercent = 800

// startingMemoryLimit is where the garbage collector begins to work hard then. The
// compiler keeps some 50 MB until its end: with the limit of other commands the collector
// took twice the time of the compiler.
const startingMemoryLimit = 56 << 20

// raiseGC lets the start of a gadget use memory instead of time, unless the user
// decides about memory; what startMemory returns ends it.
func raiseGC() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(startingGCPercent)
		debug.SetMemoryLimit(startingMemoryLimit)
	}
}

// freeDelay is how long the memory of the start is kept, so that the first events do
// not wait for the collector.
const freeDelay = 200 * time.Millisecond

// errTimeout is the cause of a context that --timeout ended.
var errTimeout = errors.New("the time of --timeout is over")

// stopAfter cancels the run after --timeout.
func (s *session) stopAfter(cancel context.CancelCauseFunc) func() bool {
	if s.cmd.Timeout <= 0 {
		return func() bool { return true }
	}
	t := time.AfterFunc(time.Duration(s.cmd.Timeout), func() { cancel(errTimeout) })
	return t.Stop
}

// verbose writes the whole log of the verifier when the user asked for details.
func (s *session) verbose(err error) error {
	var ve *engine.VerifierError
	if !errors.As(err, &ve) {
		return err
	}
	if s.g.Verbose {
		fmt.Fprintln(s.g.Stderr, printable.Text(ve.Log()))
		return err
	}
	return fmt.Errorf("%w, use -v for the whole log", err)
}

// notef writes one line for the user.
func (s *session) notef(format string, args ...any) {
	if !s.g.Quiet {
		cli.Message(s.g.Stderr, "gadget-run: "+s.rest.member.prefix()+fmt.Sprintf(format, args...))
	}
}

// detailf writes one line for the user who asked for details.
func (s *session) detailf(format string, args ...any) {
	if s.g.Verbose {
		s.notef(format, args...)
	}
}
