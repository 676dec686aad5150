package gadgetapi

import (
	"slices"
	"strings"
)

// RunnerParam is a parameter of the runner itself, as paramDefaults of gadget.yaml
// and instance manifests name it.
type RunnerParam struct {
	// Name is the qualified name, "operator.sort.sort".
	Name string
	// Flag is that of "gadget-run run", with its dashes; Short is the other one.
	Flag, Short string
	// BySource: a data source may follow the name and a dot.
	BySource bool
}

// runnerParams is the table.
var runnerParams = []RunnerParam{
	{Name: "operator.oci.pull", Flag: "--pull"},
	{Name: "operator.oci.annotate", Flag: "--annotate"},
	{Name: ParamQualifier + "iface", Flag: "--iface"},
	{Name: "operator.filter.filter", Flag: "--filter", Short: "-F", BySource: true},
	{Name: "operator.filter.filter-expr", Flag: "--filter-expr", Short: "-E", BySource: true},
	{Name: "operator.sort.sort", Flag: "--sort"},
	{Name: "operator.limiter.max-entries", Flag: "--max-entries"},
	{Name: "operator.cli.output", Flag: "--output", Short: "-o"},
	{Name: "operator.cli.fields", Flag: "--fields"},
	{Name: "operator.ustack.symbolizers", Flag: "--symbolizers"},
	{Name: "operator.LocalManager.host", Flag: "--host"},
	{Name: "operator.LocalManager.containername", Flag: "--containername", Short: "-c"},
	{Name: "operator.LocalManager.runtime-containername", Flag: "--containername", Short: "-c"},
	{Name: "operator.LocalManager.runtime-containerimage-digest", Flag: "--runtime-containerimage-digest"},
	{Name: "operator.LocalManager.runtime-containerimage-id", Flag: "--runtime-containerimage-id"},
	{Name: "operator.LocalManager.k8s-podname", Flag: "--k8s-podname"},
	{Name: "operator.LocalManager.k8s-containername", Flag: "--k8s-containername"},
	{Name: "operator.LocalManager.k8s-namespace", Flag: "--k8s-namespace"},
	{Name: "operator.LocalManager.k8s-selector", Flag: "--k8s-selector"},
	{Name: "operator.KubeManager.namespace", Flag: "--k8s-namespace"},
	{Name: "operator.KubeManager.podname", Flag: "--k8s-podname"},
	{Name: "operator.KubeManager.selector", Flag: "--k8s-selector"},
	{Name: "operator.KubeManager.containername", Flag: "--k8s-containername"},
}

// RunnerParams returns the parameters of the runner.
func RunnerParams() []RunnerParam { return slices.Clone(runnerParams) }

// RunnerParamNamed returns the parameter that a qualified name, in any case, stands
// for, and the data source after it, if any.
func RunnerParamNamed(name string) (p RunnerParam, source string, ok bool) {
	for _, p := range runnerParams {
		if strings.EqualFold(p.Name, name) {
			return p, "", true
		}
	}
	for _, p := range runnerParams {
		n := len(p.Name) + len(".")
		if p.BySource && len(name) > n && strings.EqualFold(p.Name+".", name[:n]) {
			return p, name[n:], true
		}
	}
	return RunnerParam{}, "", false
}

// ForeignParam is a parameter of another runner that this one does not have.
type ForeignParam struct {
	// Name is the flag without dashes; Operator precedes it in the qualified
	// name, "" for a flag that documents cannot set.
	Name, Operator string
	// Switch means that the flag needs no value.
	Switch bool
	// Refused means that leaving it out would change what is run or who may see it.
	Refused bool
	// Why describes what happens instead.
	Why string
}

// foreignParams is the table.
var foreignParams = []ForeignParam{
	{
		Name: "validate-metadata", Operator: "oci", Switch: true,
		Why: "gadget.yaml is validated when the gadget is built; what cannot run is refused in any case",
	},
	{
		Name: "all-namespaces", Operator: "KubeManager", Switch: true,
		Why: "every namespace is shown unless containers are chosen",
	},
	{Name: "auto-mount-filesystems", Switch: true, Why: "nothing has to be mounted"},
	{Name: "auto-sd-unit-restart", Switch: true, Why: "no other unit is needed"},
	{Name: "auto-wsl-workaround", Switch: true, Why: "nothing has to be mounted"},
	{Name: "enrich-with-k8s-apiserver", Switch: true, Why: "the runtimes of the node report the pods of containers"},
	{Name: "env-vars", Why: "every variable of the environment can be a field"},
	{Name: "experimental", Switch: true, Why: "no feature needs a switch"},
	{Name: "fallback-podinformer", Switch: true, Why: "the runtimes of the node report when containers start"},
	{Name: "hook-liveness-socketfile", Why: "no hook is installed"},
	{Name: "hook-mode", Why: "no hook is installed"},
	{Name: "oci-store-user", Switch: true, Why: "a plain user has a store of his own; --state names another one"},
	{Name: "otel-metrics-export-internals", Switch: true, Why: "the runner has no metrics of its own"},
	{Name: "pprof-addr", Why: "the runner is not profiled"},
	{Name: "runtime-protocol", Why: "each runtime is queried with its own protocol"},
	{Name: "socket-enricher-fields", Why: "the owners of sockets have all fields that the gadget's map has room for"},
	{
		Name: "trace-pipe", Operator: "oci.ebpf", Switch: true,
		Why: "what bpf_printk writes is read in trace_pipe of tracefs, which is one for the whole machine",
	},

	{Name: "config", Refused: true, Why: "no configuration file is read, give flags or a manifest (-f)"},
	{Name: "detach", Switch: true, Refused: true, Why: "gadget-run has no daemon, start it in the background"},
	{
		Name: "notation-certificates", Refused: true,
		Why: "signatures of notation are not verified, sign with cosign and use --public-keys or --policy",
	},
	{
		Name: "notation-policy-document", Refused: true,
		Why: "signatures of notation are not verified, sign with cosign and use --public-keys or --policy",
	},
	{Name: "otel-metrics-name", Operator: "otel-metrics", Refused: true, Why: "use --annotate SOURCE:metrics.name=NAME"},
	{
		Name: "otel-metrics-print-interval", Operator: "otel-metrics", Refused: true,
		Why: "metrics are served or sent, use --otel-metrics-listen or --otel-metrics-exporter",
	},
}

// ForeignParams returns the parameters of other runners that this one does not have.
func ForeignParams() []ForeignParam { return slices.Clone(foreignParams) }

// QualifiedName returns the name in documents, "" for a flag that they cannot set.
func (p ForeignParam) QualifiedName() string {
	if p.Operator == "" {
		return ""
	}
	return "operator." + p.Operator + "." + p.Name
}

// ForeignParamNamed returns the parameter that a qualified name, in any case,
// stands for.
func ForeignParamNamed(name string) (ForeignParam, bool) {
	i := slices.IndexFunc(foreignParams, func(p ForeignParam) bool {
		return p.Operator != "" && strings.EqualFold(p.QualifiedName(), name)
	})
	if i < 0 {
		return ForeignParam{}, false
	}
	return foreignParams[i], true
}
