package runcmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// manifestParam is a flag that a manifest can give a value to.
type manifestParam struct {
	flag  string
	short string
	// bySource: a data source may stand behind the name and a dot.
	bySource bool
}

// manifestParams are the parameters of instance manifests by their qualified
// names, which are those of other runners.
var manifestParams = map[string]manifestParam{
	"operator.oci.pull":                 {flag: "--pull"},
	"operator.oci.annotate":             {flag: "--annotate"},
	"operator.filter.filter":            {flag: "--filter", short: "-F", bySource: true},
	"operator.filter.filter-expr":       {flag: "--filter-expr", short: "-E", bySource: true},
	"operator.sort.sort":                {flag: "--sort"},
	"operator.limiter.max-entries":      {flag: "--max-entries"},
	"operator.cli.output":               {flag: "--output", short: "-o"},
	"operator.cli.fields":               {flag: "--fields"},
	"operator.LocalManager.host":        {flag: "--host"},
	"operator.KubeManager.namespace":    {flag: "--k8s-namespace"},
	"operator.KubeManager.podname":      {flag: "--k8s-podname"},
	"operator.KubeManager.selector":     {flag: "--k8s-selector"},
	"operator.LocalManager.k8s-podname": {flag: "--k8s-podname"},

	"operator.KubeManager.containername":                  {flag: "--k8s-containername"},
	"operator.LocalManager.containername":                 {flag: "--containername", short: "-c"},
	"operator.LocalManager.runtime-containername":         {flag: "--containername", short: "-c"},
	"operator.LocalManager.runtime-containerimage-digest": {flag: "--runtime-containerimage-digest"},
	"operator.LocalManager.runtime-containerimage-id":     {flag: "--runtime-containerimage-id"},
	"operator.LocalManager.k8s-containername":             {flag: "--k8s-containername"},
	"operator.LocalManager.k8s-namespace":                 {flag: "--k8s-namespace"},
	"operator.LocalManager.k8s-selector":                  {flag: "--k8s-selector"},
}

// ignoredParams say what happens here anyway.
var ignoredParams = []string{"operator.oci.validate-metadata", "operator.KubeManager.all-namespaces"}

// selectorFlags choose containers, which --host contradicts.
var selectorFlags = []string{
	"-c", "--containername", "--runtime-containername", "--runtime-containerimage-digest", "--runtime-containerimage-id",
	"--k8s-podname", "--k8s-namespace", "--k8s-selector", "--k8s-containername",
}

// withSpec adds to what Split returned the arguments that a document of the
// manifest stands for. What the command line itself says wins: the gadget, the
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
	for _, a := range args {
		if v, is := strings.CutPrefix(a, "--file="); is {
			file, ok = v, true
		} else if v, is := strings.CutPrefix(a, "-f"); is && v != "" {
			file, ok = v, true
		}
	}
	return file, ok
}

func readManifest(file string, stdin io.Reader) ([]byte, error) {
	limit := int64(gadget.MaxInstanceSpecs) + 1
	switch {
	case file == "-":
		return io.ReadAll(io.LimitReader(stdin, limit))
	case strings.HasPrefix(file, "http://"), strings.HasPrefix(file, "https://"):
		return nil, errors.New("it is an address, get it with another program and read it with \"-f -\"")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// readSpecs returns the documents of a manifest.
func readSpecs(file string, stdin io.Reader) ([]gadget.InstanceSpec, error) {
	data, err := readManifest(file, stdin)
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

// arguments returns the flags of the command and those of the gadget that spec
// stands for, without those that given has.
func arguments(spec gadget.InstanceSpec, file string, given []string) (flags, params []string, err error) {
	for _, v := range spec.ParamValues {
		if strings.HasPrefix(v.Key, gadgetapi.ParamQualifier) {
			params = append(params, "--"+v.Key+"="+v.Value)
			continue
		}
		if slices.Contains(ignoredParams, v.Key) {
			continue
		}
		p, source, ok := manifestParamOf(v.Key)
		if !ok {
			return nil, nil, fmt.Errorf("%s:%d: unknown parameter %q, %s", file, v.Line, v.Key, nearest.Advice(v.Key, knownManifestParams()))
		}
		if p.overruled(given) {
			continue
		}
		value := v.Value
		if source != "" {
			value = source + ":" + value
		}
		flags = append(flags, p.flag+"="+value)
	}
	return flags, params, nil
}

// manifestParamOf finds the parameter that key names, and the data source behind
// it.
func manifestParamOf(key string) (p manifestParam, source string, ok bool) {
	if p, ok := manifestParams[key]; ok {
		return p, "", true
	}
	for name, p := range manifestParams {
		if source, ok := strings.CutPrefix(key, name+"."); ok && p.bySource && source != "" {
			return p, source, true
		}
	}
	return manifestParam{}, "", false
}

func knownManifestParams() []string {
	known := slices.Clone(ignoredParams)
	for name := range manifestParams {
		known = append(known, name)
	}
	return append(known, gadgetapi.ParamQualifier+"PARAMETER")
}

// overruled reports whether the command line has the flag of p, or one that
// contradicts it.
func (p manifestParam) overruled(given []string) bool {
	switch {
	case has(given, p.flag, p.short):
		return true
	case p.flag == "--host":
		return has(given, selectorFlags...)
	case slices.Contains(selectorFlags, p.flag):
		return has(given, "--host") || p.flag == "--containername" && has(given, "--runtime-containername")
	}
	return false
}

// has reports whether one of flags is among args, as Split wrote them.
func has(args []string, flags ...string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		name, _, _ := strings.Cut(a, "=")
		if !strings.HasPrefix(a, "--") && len(a) > 2 {
			name = a[:2]
		}
		return slices.Contains(flags, name)
	})
}
