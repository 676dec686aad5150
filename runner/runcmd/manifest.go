package runcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// selectorFlags choose containers, which --host contradicts.
var selectorFlags = []string{
	"-c", "--containername", "--runtime-containername", "--runtime-containerimage-digest", "--runtime-containerimage-id",
	"--k8s-podname", "--k8s-namespace", "--k8s-selector", "--k8s-containername",
}

// withSpec adds to what Split returned the arguments that a document of the
// manifest contains. What the command line itself specifies wins: the gadget, the
// value of each flag, of each parameter of the gadget.
func withSpec(spec gadget.InstanceSpec, file string, args []string, rest Rest) ([]string, Rest, error) {
	flags, params, err := arguments(spec, file, args)
	if err != nil {
		return args, rest, err
	}
	rest.Args = slices.Concat(params, rest.Args) // the last value wins
	if !hasReference(args) {
		flags = append(flags, spec.Image)
	}
	return slices.Concat(flags, args), rest, nil
}

// hasReference reports whether args, as Split wrote them, name a gadget.
func hasReference(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
}

// manifestFile returns the value of -f or --file.
func manifestFile(args []string) (file string, ok bool) {
	return cli.FlagValue(args, "-f", "--file")
}

// timeout returns the value of -t or --timeout, zero for one that is not a time:
// the parser will report it.
func timeout(args []string) (t cli.Timeout) {
	if v, ok := cli.FlagValue(args, "-t", "--timeout"); ok && t.UnmarshalText([]byte(v)) != nil {
		return 0
	}
	return t
}

func readManifest(ctx context.Context, file string, stdin io.Reader) ([]byte, error) {
	switch {
	case file == "-":
		return io.ReadAll(io.LimitReader(action.UntilDone(ctx, stdin), gadget.MaxInstanceSpecs+1))
	case strings.HasPrefix(file, "http://"), strings.HasPrefix(file, "https://"):
		return nil, errors.New("it is an address, get it with another program and read it with \"-f -\"")
	}
	return action.ReadInput(ctx, file, gadget.MaxInstanceSpecs)
}

// readSpecs returns the documents of a manifest.
func readSpecs(ctx context.Context, file string, stdin io.Reader) ([]gadget.InstanceSpec, error) {
	data, err := readManifest(ctx, file, stdin)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %q: %w", file, err)
	}
	specs, problems := gadget.ParseInstanceSpecs(data, file)
	if err := problems.Err(); err != nil {
		return nil, cli.Usage(err)
	}
	for _, spec := range specs {
		if strings.HasPrefix(spec.Image, "-") {
			return nil, cli.Usage(fmt.Errorf("%s:%d: the image %q is a flag, name a gadget", file, spec.Line, spec.Image))
		}
	}
	return specs, nil
}

// gadgetQualifiers begin the names of parameters that come with the gadget.
func gadgetQualifiers() []string {
	out := []string{gadgetapi.ParamQualifier, gadgetapi.WasmParamQualifier, gadget.CustomQualifier}
	for source := range feedTables {
		out = append(out, gadgetapi.OperatorSourceNamed(source).Qualifier())
	}
	return out
}

// arguments returns the flags of the command and those of the gadget that spec
// contains, without those that given has.
func arguments(spec gadget.InstanceSpec, file string, given []string) (flags, params []string, err error) {
	for _, v := range spec.ParamValues {
		p, source, ok := gadgetapi.RunnerParamNamed(v.Key)
		switch {
		case ok && overridden(p, given):
		case ok && source != "":
			flags = append(flags, p.Flag+"="+source+":"+v.Value)
		case ok:
			flags = append(flags, p.Flag+"="+v.Value)
		case isForeign(v.Key), slices.ContainsFunc(gadgetQualifiers(), func(q string) bool {
			return strings.HasPrefix(v.Key, q)
		}):
			params = append(params, "--"+v.Key+"="+v.Value)
		default:
			return nil, nil, fmt.Errorf("%s:%d: unknown parameter %q, %s", file, v.Line, v.Key,
				nearest.Advice(v.Key, knownManifestParams()))
		}
	}
	return flags, params, nil
}

func isForeign(name string) bool {
	_, ok := gadgetapi.ForeignParamNamed(name)
	return ok
}

func knownManifestParams() []string {
	names := []string{gadgetapi.ParamQualifier + "PARAMETER"}
	for _, p := range gadgetapi.RunnerParams() {
		names = append(names, p.Name)
	}
	return names
}

// overridden reports whether the command line has the flag of p, or one that
// contradicts it.
func overridden(p gadgetapi.RunnerParam, given []string) bool {
	switch {
	case has(given, p.Flag, p.Short):
		return true
	case p.Flag == "--host":
		return has(given, selectorFlags...)
	case slices.Contains(selectorFlags, p.Flag):
		return has(given, "--host") || p.Flag == "--containername" && has(given, "--runtime-containername")
	}
	return false
}

// has reports whether one of flags is among args, as Split wrote them.
func has(args []string, flags ...string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		name, _, _ := cli.SplitFlag(a)
		return name != "" && slices.Contains(flags, name)
	})
}
