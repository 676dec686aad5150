// Package bindings writes the Go source of bpf2go for a compiled object: the
// action GadgetGoBindings. Unlike bpf2go it compiles nothing itself.
package bindings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/build/constraint"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/cmd/bpf2go/gen"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/guard"
)

const doc = "Writes the Go source of bpf2go for a compiled object."

// flags are the command line of the action.
type flags struct {
	Object  string   `required:"" help:"Object to bind."`
	Embed   string   `required:"" help:"File name that the source embeds."`
	Arch    string   `required:"" help:"GOARCH that the source is built for."`
	Package string   `required:"" help:"Name of the Go package."`
	Stem    string   `default:"Gadget" help:"Stem of the generated identifiers."`
	Type    []string `sep:"none" help:"C type to generate, in addition to those of maps and tracers."`
	Out     string   `required:"" help:"Go file to write."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("bindings", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("bindings", doc, &f, args, stdout); err != nil {
		return err
	}
	object, err := os.ReadFile(f.Object)
	if err != nil {
		return fmt.Errorf("reading object: %w", err)
	}
	source, err := generate(object, f, stderr)
	if err != nil {
		return fmt.Errorf("binding %s: %w", f.Object, err)
	}
	return action.WriteFile(f.Out, source)
}

// generate returns the Go source for object, and says on notes what it leaves out.
func generate(object []byte, f flags, notes io.Writer) (source []byte, err error) {
	defer guard.Panics(&err)
	if len(object) == 0 {
		return nil, errors.New("the gadget has no program to bind; remove gadget_go_bindings")
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	types, err := collectTypes(spec, f.Type)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	args := gen.GenerateArgs{
		Package: f.Package, Stem: f.Stem, Constraints: &constraint.TagExpr{Tag: f.Arch}, ObjectFile: f.Embed, Output: &out,
	}
	if args.Types, err = writable(args, types, f.Type, notes); err != nil {
		return nil, err
	}
	args.Maps, args.Variables, args.Programs = mapNames(spec), variableNames(spec), slices.Sorted(maps.Keys(spec.Programs))
	out.Reset()
	err = gen.Generate(args)
	return out.Bytes(), err
}

// writable returns the types that Go can express, as pointers of the program
// cannot be, and notes the others. One that was requested must be among them.
func writable(args gen.GenerateArgs, types []btf.Type, asked []string, notes io.Writer) ([]btf.Type, error) {
	var out []btf.Type
	for _, t := range types {
		args.Types = []btf.Type{t}
		err := gen.Generate(args)
		switch {
		case err == nil:
			out = append(out, t)
		case slices.Contains(asked, t.TypeName()):
			return nil, fmt.Errorf("type %q has no Go equivalent: %w", t.TypeName(), err)
		default:
			fmt.Fprintf(notes, "warning: leaving out type %q, which has no Go equivalent: %v\n", t.TypeName(), err)
		}
	}
	return out, nil
}

// mapNames leaves out the sections of global data, which bpf2go binds as variables.
func mapNames(spec *ebpf.CollectionSpec) []string {
	var names []string
	for name := range spec.Maps {
		if !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// variableNames leaves out the markers of the gadget macros: they say something
// to the runner and hold no data.
func variableNames(spec *ebpf.CollectionSpec) []string {
	var names []string
	for name := range spec.Variables {
		if !strings.HasPrefix(strings.TrimLeft(name, "_"), "gadget_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// collectTypes returns the types of maps, variables and tracers, and the ones
// that names requests, each once.
func collectTypes(spec *ebpf.CollectionSpec, names []string) ([]btf.Type, error) {
	types := gen.CollectGlobalTypes(spec)
	for name := range spec.Variables {
		if rest, ok := strings.CutPrefix(name, "gadget_tracer_"); ok {
			parts := strings.Split(rest, "___")
			names = append(names, parts[len(parts)-1])
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		found, err := spec.Types.AnyTypesByName(name)
		if err != nil {
			return nil, fmt.Errorf("looking up type %q: %w, see the types of the object with bpftool btf dump", name, err)
		}
		if t := found[0]; !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	slices.SortStableFunc(types, func(a, b btf.Type) int { return strings.Compare(a.TypeName(), b.TypeName()) })
	return types, nil
}
