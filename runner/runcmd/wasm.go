package runcmd

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// wasmRun is the wasm program of the gadget that is run; it implements what the
// program may request, and engine.Handler before the events are shown.
type wasmRun struct {
	*session
	program *wasm.Program
	kernel  *wasmKernel
	values  map[string]string // of params.wasm, by key
	numbers map[*wasm.Source]int
	shown   *events
	loaded  *engine.Loaded
	cancel  context.CancelCauseFunc
}

// wasmVar comes before the name of a parameter of the wasm program.
const wasmVar = "wasm."

// wasmParams returns the parameters of params.wasm in gadget.yaml.
func (s *session) wasmParams(md *gadget.Metadata) []gadgetapi.Param {
	if len(s.artifact.Wasm) == 0 {
		return nil
	}
	var out []gadgetapi.Param
	for name, p := range md.WasmParams {
		key := p.Key
		if key == "" {
			key = name
		}
		out = append(out, gadgetapi.Param{
			Var: wasmVar + key, Key: key, Type: wasmParamType(p), Qualifier: gadgetapi.WasmParamQualifier,
			ParamMetadata: gadgetapi.ParamMetadata{
				Key: key, Default: p.DefaultValue, Title: p.Title, Description: p.Description, Alias: p.Alias,
				AlternativeKey: p.AlternativeKey, Mandatory: p.IsMandatory, PossibleValues: p.PossibleValues,
			},
		})
	}
	slices.SortFunc(out, func(a, b gadgetapi.Param) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// wasmParamType returns the type of a parameter of the wasm program, which gets a
// text in any case: a flag whose default is true or false needs no value.
func wasmParamType(p *gadget.Param) gadgetapi.ParamType {
	if p.DefaultValue == "true" || p.DefaultValue == "false" {
		return gadgetapi.ParamBool
	}
	return gadgetapi.ParamString
}

// startWasm runs the wasm program, if there is one, up to gadgetPreStart.
func (s *session) startWasm(ctx context.Context, values map[string]string) error {
	if len(s.artifact.Wasm) == 0 {
		return nil
	}
	w := &wasmRun{
		session: s, values: map[string]string{}, numbers: map[*wasm.Source]int{}, kernel: &wasmKernel{types: s.kernel},
	}
	for _, p := range s.wasmKeys {
		w.values[p.Key] = p.Default
		if v, ok := values[p.Var]; ok {
			w.values[p.Key] = v
		}
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	level := wasm.Info
	if s.g.Verbose {
		level = wasm.Debug
	}
	w.program, err = wasm.New(ctx, s.artifact.Wasm, wasm.Options{
		Sources: wasmSources(sources), Gadget: w, Kernel: w.kernel, Handler: w, Log: w.log, LogLevel: level,
		Failed: func(err error) { w.cancel(err) }, Compilation: s.compilation,
	})
	if err != nil {
		return err
	}
	s.wasm = w
	if w.program.Imports(wasm.FunctionDeclaration) {
		// What the process needs for it may be given up later. An error shows when
		// the program queries it.
		_ = w.kernel.readSyscalls()
	}
	return w.program.PreStart(ctx)
}

// wasmCache returns the directory of compiled programs, empty for none.
func wasmCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "gadget-run", "wasm")
}

func (w *wasmRun) log(level wasm.Level, text string) {
	if level <= wasm.Info {
		w.notef("wasm: %s", text)
		return
	}
	w.detailf("wasm: %s", text)
}

// Param implements wasm.Gadget.
func (w *wasmRun) Param(key string) (string, bool) { v, ok := w.values[key]; return v, ok }

// SetConfig implements wasm.Gadget for the attach targets of programs.
func (w *wasmRun) SetConfig(key, value string) error {
	name, ok := strings.CutPrefix(key, "programs.")
	name, ok2 := strings.CutSuffix(name, ".attach_to")
	if !ok || !ok2 {
		return fmt.Errorf("%q cannot be set, only programs.NAME.attach_to", key)
	}
	for i := range w.plan.Programs {
		if pr := &w.plan.Programs[i]; pr.Name == name {
			pr.AttachTo, pr.Disabled = value, value == gadgetapi.DisabledTarget
			return nil
		}
	}
	return fmt.Errorf("the eBPF program has no program %q", name)
}

// Map implements wasm.Gadget.
func (w *wasmRun) Map(name string) *ebpf.Map {
	if w.loaded == nil {
		return nil
	}
	return w.loaded.Map(name)
}

// Discards implements wasm.Gadget.
func (w *wasmRun) Discards(mountNS uint64) bool {
	return w.containers.selecting && !w.containers.tracker.Selected(mountNS, 0)
}

// wasmSources shows the data sources to a wasm program.
func wasmSources(sources []*field.Source) []*wasm.Source {
	out := make([]*wasm.Source, len(sources))
	for i, src := range sources {
		out[i] = &wasm.Source{Name: src.Name, Array: src.Array, Size: src.Size}
		for _, f := range src.All() {
			out[i].Fields = append(out[i].Fields, wasmField(f))
			if f.Provider == gadgetapi.ProviderRest && f.Raw != nil {
				restField(out[i], src)
			}
		}
	}
	return out
}

// wasmField shows a field: the memory of a number or a text in the event, else
// its text alone.
func wasmField(f *field.Field) *wasm.Field {
	out := &wasm.Field{Name: f.FullName, Kind: wasm.Bytes, Offset: f.Offset, Size: f.Size, Text: f.Append}
	if f.Offset == 0 && f.Size == 0 || f.Types == nil && f.Kind != field.Struct {
		out.Kind, out.Size = wasm.String, 0
		return out
	}
	if f.Kind == field.String {
		out.Kind = wasm.CString
	}
	return out
}

// restField makes the last field of a data source the bytes after its events,
// which move after what the wasm program adds.
func restField(to *wasm.Source, src *field.Source) {
	f, slot := to.Fields[len(to.Fields)-1], gadgetapi.RestSlot(src.EventSize)
	f.Kind = wasm.Bytes
	f.Text = func(dst, record []byte) []byte { return append(dst, field.RestAt(record, slot, to.RecordSize())...) }
}

// withWasm adds to the data sources what the wasm program added.
func (w *wasmRun) withWasm(sources []*field.Source) ([]*field.Source, error) {
	for i, ws := range w.program.Sources() {
		w.numbers[ws] = i
		md := w.metadata.DataSources[ws.Name]
		if i >= len(sources) {
			sources = append(sources, &field.Source{Name: ws.Name, Array: ws.Array, Annotations: md.Annotations})
		}
		sources[i].Size = ws.RecordSize()
		for _, f := range ws.Fields {
			if f.Added && !typedNumber(f) {
				sources[i].Fields = append(sources[i].Fields, addedField(f, md.Fields[f.Name]))
			}
		}
		typed, err := w.typed(ws, sources[i])
		if err != nil {
			return nil, fmt.Errorf("the types that the wasm program gives fields of data source %q: %w", ws.Name, err)
		}
		sources[i].Adopt(typed)
	}
	return sources, nil
}

// addedField decodes a field that the wasm program added.
func addedField(f *wasm.Field, annotations map[string]string) *field.Field {
	out := &field.Field{Name: f.Name, FullName: f.Name, Offset: f.Offset, Size: f.Size, Annotations: map[string]string{}}
	for k, v := range annotations {
		out.Annotations[k] = v
	}
	at, size := f.Offset, f.Size
	bits := func(r []byte) uint64 {
		var b [8]byte
		copy(b[:], r[at:at+size])
		return binary.NativeEndian.Uint64(b[:])
	}
	shift := 64 - 8*uint(size)
	switch {
	case f.Kind == wasm.Bool:
		out.Kind, out.Number = field.Bool, bits
		out.Append = func(dst, r []byte) []byte { return strconv.AppendBool(dst, bits(r) != 0) }
	case f.Kind <= wasm.Int64:
		out.Kind = field.Int
		out.Number = func(r []byte) uint64 { return uint64(int64(bits(r)<<shift) >> shift) }
		out.Append = func(dst, r []byte) []byte { return strconv.AppendInt(dst, int64(out.Number(r)), 10) }
	case f.Kind <= wasm.Uint64:
		out.Kind, out.Number = field.Uint, bits
		out.Append = func(dst, r []byte) []byte { return strconv.AppendUint(dst, bits(r), 10) }
	case f.Kind <= wasm.Float64:
		out.Kind, out.Number = field.Float, bits
		if size == 4 {
			out.Number = func(r []byte) uint64 {
				return math.Float64bits(float64(math.Float32frombits(uint32(bits(r)))))
			}
		}
		out.Append = func(dst, r []byte) []byte {
			v := math.Float64frombits(out.Number(r))
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return append(dst, "null"...)
			}
			return strconv.AppendFloat(dst, v, 'g', -1, int(size)*8)
		}
	default:
		out.Kind = field.String
		out.Append = func(dst, r []byte) []byte { return append(dst, wasm.TextAt(r, at)...) }
	}
	return out
}

// wasmIn is the engine's handler: it hands events to the wasm program first.
type wasmIn struct{ *wasmRun }

// Event implements engine.Handler.
func (w wasmIn) Event(source int, sample []byte) {
	w.program.Event(w.program.Sources()[source], sample)
}

// Array implements engine.Handler.
func (w wasmIn) Array(source int, samples [][]byte) {
	w.program.Array(w.program.Sources()[source], samples)
}

// Busy reports whether the wasm program is at work: the end of a run waits for it.
func (w wasmIn) Busy() bool { return w.program.Busy() }

// Lost implements engine.Handler.
func (w wasmIn) Lost(source int, n uint64) { w.shown.Lost(source, n) }

// Event implements wasm.Handler.
func (w *wasmRun) Event(s *wasm.Source, record []byte) { w.shown.Event(w.numbers[s], record) }

// Array implements wasm.Handler.
func (w *wasmRun) Array(s *wasm.Source, records [][]byte) { w.shown.Array(w.numbers[s], records) }

// hidden reports whether the wasm program keeps data source i from the output.
func (w *wasmRun) hidden(i int) bool { return w != nil && w.program.Sources()[i].Unreferenced }
