package runcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/metrics"
	"github.com/rules-gadget/rules_gadget/runner/output"
	"github.com/rules-gadget/rules_gadget/runner/rights"
	"github.com/rules-gadget/rules_gadget/runner/stats"
)

// gadgetField is the field with the name of the gadget, of several, that an event comes from.
const gadgetField = "gadget"

// maxTogether is how many gadgets one run has at most.
const maxTogether = 64

// Invocation are the arguments of one gadget of a run.
type Invocation struct {
	Args []string // for the command line
	Rest Rest
}

// member is one gadget of several in a run.
type member struct {
	name string
	*sharedRun
}

// sharedRun is what the gadgets of one run share.
type sharedRun struct {
	missing  atomic.Int32 // gadgets whose programs are not attached yet
	once     sync.Once
	ready    *readiness
	readyErr error

	mu          sync.Mutex
	registry    *metrics.Registry // nil until a gadget counts
	stopMetrics func()            // ends serving and sending what is counted
	counted     int               // gadgets that are counted
	rights      rights.Set        // what the gadgets need that are attached
	confined    int               // gadgets that have reported
	gadgets     int               // of the run

	programs map[uint32]stats.Gadget // of the gadgets that are loaded, by the kernel's number

	file    *output.RotatingFile // of --output-file, nil until a gadget writes
	writing int                  // gadgets that write to it
}

// Invocations returns what is to be run: a gadget for each reference on the command
// line or, without one, for each document of the manifest of -f. Flags are for all.
func Invocations(ctx context.Context, args []string, rest Rest, stdin io.Reader) ([]Invocation, error) {
	list, err := invocations(ctx, args, rest, stdin)
	for i := range list {
		list[i].Rest.Given = list[i].Args
	}
	return list, err
}

func invocations(ctx context.Context, args []string, rest Rest, stdin io.Reader) ([]Invocation, error) {
	var flags, names []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			flags = append(flags, a)
		} else {
			names = append(names, a)
		}
	}
	if _, manifest := manifestFile(args); manifest {
		if len(names) > 1 {
			return nil, cli.Usage(errors.New("--file and several gadgets are mutually exclusive, use one"))
		}
		return manifestInvocations(ctx, args, rest, stdin)
	}
	if len(names) < 2 || slices.Contains(args, "--help") {
		return []Invocation{{args, rest}}, nil
	}
	out := make([]Invocation, len(names))
	for i, name := range names {
		out[i] = Invocation{append(slices.Clone(flags), name), rest}
	}
	return together(out, names)
}

// manifestInvocations returns a gadget for each document of the manifest.
func manifestInvocations(ctx context.Context, args []string, rest Rest, stdin io.Reader) ([]Invocation, error) {
	ctx, cancel := bound(ctx, timeout(args))
	defer cancel()
	file, _ := manifestFile(args)
	specs, err := readSpecs(ctx, file, stdin)
	if err != nil {
		return nil, err
	}
	out, names := make([]Invocation, len(specs)), make([]string, len(specs))
	for i, spec := range specs {
		names[i] = spec.Name
		if names[i] == "" {
			names[i] = spec.Image
		}
		if out[i].Args, out[i].Rest, err = withSpec(spec, file, args, rest); err != nil {
			return nil, cli.Usage(err)
		}
	}
	if len(out) > 1 && hasReference(args) {
		return nil, cli.Usage(fmt.Errorf("the manifest %q names %d gadgets, leave out the one of the command line", file,
			len(out)))
	}
	return together(out, names)
}

// together makes members of one run of several gadgets.
func together(list []Invocation, names []string) ([]Invocation, error) {
	switch {
	case len(list) == 1:
		return list, nil
	case len(list) > maxTogether:
		return nil, cli.Usage(fmt.Errorf("%d gadgets in one run are too many, at most %d run together", len(list),
			maxTogether))
	case list[0].Rest.Help:
		return nil, cli.Usage(errors.New("--help describes one gadget, name one"))
	}
	shared := &sharedRun{gadgets: len(list)}
	shared.missing.Store(int32(len(list)))
	used := map[string]int{}
	for i := range list {
		name := shortName(names[i])
		if used[name]++; used[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, used[name])
		}
		list[i].Rest.member = &member{name, shared}
	}
	return list, nil
}

// shortName returns the last part of a reference, without tag and digest, or of a
// path, without the ending of an archive.
func shortName(ref string) string {
	ref, _, _ = strings.Cut(strings.TrimSuffix(ref, ".tar"), "@")
	name, _, _ := strings.Cut(path.Base(ref), ":")
	return name
}

// Together runs n gadgets until all have ended; the first error ends the others.
func Together(ctx context.Context, n int, run func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		group.Go(func() error { return run(ctx, i) })
	}
	return group.Wait()
}

// metrics returns the registry, one for all gadgets.
func (m *member) metrics() *metrics.Registry {
	if m == nil {
		return metrics.New()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.registry == nil {
		m.registry = metrics.New()
	}
	return m.registry
}

// count calls begin for the first gadget that is counted; what begin returns is
// called when the last one has called stop.
func (m *member) count(begin func() (stop func(), err error)) (stop func(), err error) {
	if m == nil {
		return begin()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counted == 0 {
		if m.stopMetrics, err = begin(); err != nil {
			return nil, err
		}
	}
	m.counted++
	return m.stopCounting, nil
}

func (m *member) stopCounting() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counted--; m.counted == 0 {
		m.stopMetrics()
	}
}

// readiness returns what reports that the run is ready, one for all gadgets.
func (m *member) readiness(open func() (*readiness, error)) (*readiness, error) {
	if m == nil {
		return open()
	}
	m.once.Do(func() { m.ready, m.readyErr = open() })
	return m.ready, m.readyErr
}

// keep adds what a gadget keeps to what the others do. It returns all of it, and
// whether the gadget is the last one to come.
func (m *member) keep(of rights.Set) (all rights.Set, last bool) {
	if m == nil {
		return of, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rights.Join(of)
	m.confined++
	return m.rights, m.confined == m.gadgets
}

// loaded notes which programs the gadget with a reference has.
func (m *member) loaded(gadget interface{ ProgramIDs() []uint32 }, image string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.programs == nil {
		m.programs = map[uint32]stats.Gadget{}
	}
	for _, id := range gadget.ProgramIDs() {
		m.programs[id] = stats.Gadget{ID: m.name, Name: shortName(image), Image: image}
	}
}

// gadgetOf returns the gadget of the run that has a program, an empty one for none.
func (m *member) gadgetOf(id uint32) stats.Gadget {
	if m == nil {
		return stats.Gadget{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.programs[id]
}

// attached reports whether the gadget is the last one whose programs are attached.
func (m *member) attached() bool { return m == nil || m.missing.Add(-1) == 0 }

// wrap prefixes an error with the name of its gadget.
func (m *member) wrap(err error) error {
	if m == nil || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", m.name, err)
}

// prefix is the prefix of notes.
func (m *member) prefix() string {
	if m == nil {
		return ""
	}
	return m.name + ": "
}

// mark adds to sources the field that names the gadget.
func (m *member) mark(sources []*field.Source) {
	if m == nil {
		return
	}
	for _, src := range sources {
		if src.Lookup(gadgetField) != nil {
			continue
		}
		f := &field.Field{
			Name: gadgetField, FullName: gadgetField, Kind: field.String, Constant: true,
			Annotations: map[string]string{field.AnnotationDescription: "Which gadget of the run", "metrics.type": "key"},
			Append:      func(dst, _ []byte) []byte { return append(dst, m.name...) },
		}
		src.Fields = append([]*field.Field{f}, src.Fields...)
	}
}
