package runcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/term"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/metrics"
	"github.com/rules-gadget/rules_gadget/runner/otlp"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// outputGrace is how long a blocked reader of the output may hold the end of
// the run, after everything is detached.
const outputGrace = time.Second

// events is the engine's handler: it filters, encodes and writes.
type events struct {
	sources  []*field.Source
	parts    []part
	sink     *output.Sink
	note     func(format string, args ...any)
	registry *metrics.Registry // nil unless metrics are served
}

// part is what one data source needs.
type part struct {
	encoder output.Encoder      // nil to write nothing
	metrics *metrics.Source     // nil to count nothing
	logs    *otlp.Source        // nil to send nothing
	profile *otlp.ProfileSource // nil to send nothing
	match   func(sample []byte) bool
	sort    func(samples [][]byte)
	most    int           // entries of an array, negative for all
	headed  bool          // the header was written; only the sink's lock guards it
	seen    atomic.Uint64 // events that came and matched
	lost    atomic.Uint64 // events that the kernel had no room for
}

// events prepares the decoding and the form of every data source.
func (s *session) events() (*events, error) {
	sources, err := s.sources()
	if err != nil {
		return nil, err
	}
	if s.wasm != nil {
		if sources, err = s.wasm.withWasm(sources); err != nil {
			return nil, err
		}
	}
	s.rest.member.mark(sources)
	ev := &events{sources: sources, parts: make([]part, len(sources)), note: s.notef}
	f := sourceConfig{
		session: s, names: make([]string, len(sources)), width: terminalWidth(s.g.Stdout), modes: map[string]output.Mode{},
	}
	arrays := false
	for i, src := range sources {
		f.names[i], arrays = src.Name, arrays || src.Array
	}
	if !arrays && (s.cmd.Sort != "" || s.cmd.MaxEntries != "") {
		s.notef("--sort and --max-entries change nothing, the gadget has no arrays")
	}
	for i, src := range sources {
		if s.wasm.hidden(i) {
			continue
		}
		if err := f.form(&ev.parts[i], src); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(f.checkFiles(f.modes), s.measure(ev)); err != nil {
		return nil, err
	}
	s.noteSilence(ev)
	return ev, nil
}

// noteSilence reports before anything is loaded that nothing is shown, unless the user
// chose that.
func (s *session) noteSilence(ev *events) {
	chosen := strings.Contains(s.cmd.Output, string(output.None))
	if chosen || s.cmd.OTelLogsExporter != "" || s.cmd.OTelProfilesExporter != "" {
		return
	}
	var silent, quoted []string
	for i := range ev.parts {
		switch {
		case ev.parts[i].encoder != nil || ev.parts[i].metrics != nil:
			return
		case !s.wasm.hidden(i):
			name := ev.sources[i].Name
			silent, quoted = append(silent, name), append(quoted, strconv.Quote(name))
		}
	}
	if silent == nil {
		return
	}
	s.notef("nothing is shown: the gadget has the output mode %q for %s, choose another such as --output %s:%s",
		output.None, strings.Join(quoted, ", "), silent[0], output.JSON)
}

// sources returns the data sources of the gadget.
func (s *session) sources() ([]*field.Source, error) {
	if s.env == nil {
		env := hostEnv(s.kernelEnum)
		env.Containers, env.Stacks = s.containerFields(), &s.stacks
		s.env = &env
	}
	return engine.Sources(s.plan, s.metadata, *s.env, s.feeds...)
}

// terminalWidth returns the width of w when it is a terminal, else 0.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// hostEnv describes this machine.
func hostEnv(enum func(name string) *btf.Enum) field.Env {
	users := newAccounts("/etc/passwd", "/etc/group")
	return field.Env{
		Boot: machineBootTime(), Location: time.Local, Arch: arch.Host(),
		Users: users.user, Groups: users.group, Enum: enum,
	}
}

func (e *events) start(w io.Writer, cancel context.CancelCauseFunc) {
	e.sink = output.NewSink(w, func(err error) { cancel(err) })
}

// attached writes the headers: a run whose programs cannot be attached writes none.
func (e *events) attached() {
	for i := range e.parts {
		if p := &e.parts[i]; p.encoder != nil {
			e.sink.Append(i, 0, p.header)
		}
	}
}

// header appends the header of a data source, the first time.
func (p *part) header(dst []byte) []byte {
	if p.headed {
		return dst
	}
	p.headed = true
	return p.encoder.Header(dst)
}

// Event implements engine.Handler.
func (e *events) Event(source int, sample []byte) {
	p := &e.parts[source]
	if p.match != nil && !p.match(sample) {
		return
	}
	p.seen.Add(1)
	p.export(sample)
	if p.encoder != nil {
		e.sink.Append(source, 1, func(dst []byte) []byte { return p.encoder.Event(p.header(dst), sample) })
	}
}

// Array implements engine.Handler.
func (e *events) Array(source int, samples [][]byte) {
	p := &e.parts[source]
	if p.match != nil {
		samples = slices.DeleteFunc(samples, func(s []byte) bool { return !p.match(s) })
	}
	for _, s := range samples {
		p.export(s)
	}
	if p.sort != nil {
		p.sort(samples)
	}
	if p.most >= 0 && len(samples) > p.most {
		samples = samples[:p.most]
	}
	p.seen.Add(uint64(len(samples)))
	if p.encoder != nil {
		e.sink.Append(source, uint64(len(samples)), func(dst []byte) []byte {
			return p.encoder.Array(p.header(dst), samples)
		})
	}
}

// export hands an event to what serves or sends it.
func (p *part) export(sample []byte) {
	if p.metrics != nil {
		p.metrics.Count(sample)
	}
	if p.logs != nil {
		p.logs.Send(sample)
	}
	if p.profile != nil {
		p.profile.Sample(sample)
	}
}

// Lost implements engine.Handler.
func (e *events) Lost(source int, n uint64) {
	e.parts[source].lost.Add(n)
	why := "the output is slower than the gadget"
	if e.sources[source].Array {
		why = "its map is full, read it at a shorter interval"
	}
	e.note("%s: lost %d events, %s", e.sources[source].Name, n, why)
}

// finish writes what is pending, for at most outputGrace.
func (e *events) finish() error {
	for i := range e.parts {
		p := &e.parts[i]
		if f, ok := p.encoder.(output.Finisher); ok {
			e.sink.AppendLast(func(dst []byte) []byte {
				if !p.headed {
					return dst
				}
				return f.Finish(dst)
			})
		}
	}
	if err := e.sink.Close(outputGrace); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	return nil
}

// summary reports how much was lost in all, and with details how much was shown:
// every event that the gadget made is one or the other.
func (e *events) summary(note, detail func(string, ...any)) {
	if n := e.sink.Unwritten(); n > 0 {
		note("the reader of the output did not take the last %d bytes", n)
	}
	for i := range e.parts {
		p := &e.parts[i]
		shown, lost := p.seen.Load(), p.lost.Load()
		if p.encoder != nil {
			shown = e.sink.Written(i)
			lost += p.seen.Load() - shown
		}
		say := detail
		if lost > 0 {
			say = note
		}
		say("%s: %d events shown, %d lost", e.sources[i].Name, shown, lost)
	}
}
