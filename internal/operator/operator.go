// Package operator states what the stages of a run are, in the order in which they
// work: what each takes and what it adds. It is the contract between the packages
// that hold them, and what documents are made of.
//
// The contract:
//
//   - An event is a record of bytes: the struct of the object, room that operators
//     reserve after it (field.Source.Reserve), then the rest of the event. It is
//     valid until the handler returns, and never changed by who only reads it.
//   - An operator that adds fields describes them before anything runs, in
//     gadgetapi (Provider): validation, "image inspect" and "run --help" know them.
//     It gives them their values by functions that append to a buffer of the caller.
//   - A field whose value is not used costs nothing: values are made when a
//     later stage reads them.
//   - In steady state an event allocates nothing, also where an operator keeps what
//     it has found (stacks, containers); what is not kept may allocate once.
//   - A stage that the gadget or the user does not enable is not in the chain.
//   - Events of one source come one after the other, arrays of different sources at
//     the same time.
package operator

import "slices"

// Stage is a part of the chain.
type Stage string

// The stages, in order.
const (
	Fill   Stage = "fill"   // makes events
	Change Stage = "change" // sees, changes and drops whole events
	Add    Stage = "add"    // adds fields
	Choose Stage = "choose" // lets events pass or not
	Shape  Stage = "shape"  // orders, counts and writes
)

// Operator is one stage of a run.
type Operator struct {
	Name  string
	Stage Stage
	// Takes says which sources or fields it works on.
	Takes string
	// Adds describes what it adds; "" for nothing.
	Adds string
	// Package has it.
	Package string
}

// operators is the table, in the order in which they work.
var operators = []Operator{
	{"ebpf", Fill, "tracers, iterators and maps that the object declares; statistics of all programs for " +
		"`operator.ebpf.emitstats`", "the sources, with the fields of their structs; `bpfstats`", "runner/engine"},
	{"process", Fill, "/proc, when `operator.process.emitstats` is set", "the source `processes`", "runner/stats"},
	{"cgroup", Fill, "cgroup v2, when `operator.cgroup.emitstats` is set", "the source `cgroups`", "runner/stats"},
	{
		"sockets", Fill, "objects with the map `gadget_sockets`", "owners of sockets, which programs look up in the kernel",
		"runner/sockets",
	},
	{
		"wasm", Change, "the sources that the program subscribes to", "the sources and fields that the program declares",
		"runner/wasm",
	},
	{
		"formatters", Add, "fields of special types, enums and endpoints", "a text field for each: `x` for `x_raw`",
		"runner/field",
	},
	{"env", Add, "sources with annotations `env.fields.NAME`", "`NAME`, of the environment", "runner/field"},
	{"rest", Add, "tracers with the annotation `ebpf.rest.name`", "the bytes after the struct", "runner/field"},
	{"kernelstack", Add, "fields of type `gadget_kernel_stack`", "names of functions", "runner/symbolizer"},
	{
		"userstack", Add, "fields of type `gadget_user_stack`",
		"`addresses`, `buildid`, `symbols`; what gadget.yaml says of `x` counts for the symbols of `x_raw`", "runner/symbolizer",
	},
	{
		"containers", Add, "sources with a `gadget_mntns_id` or a `gadget_netns_id`", "`k8s.*`, `runtime.*`", "runner/enrich",
	},
	{"selection", Choose, "the same sources, when `-c` or a flag like it is given; in the kernel where the object has " +
		"`gadget_mntns_filter_map`", "", "runner/enrich"},
	{"filter", Choose, "the fields that `-F` names", "", "runner/field"},
	{"filter-expr", Choose, "the fields that `-E` names", "", "runner/filterexpr"},
	{"metrics", Shape, "sources with `metrics.collect`, when `--otel-metrics-listen` or `--otel-metrics-exporter` is " +
		"given", "", "runner/metrics"},
	{"logs", Shape, "every source, when `--otel-logs-exporter` is given", "", "runner/otlp"},
	{"profiles", Shape, "sources with stacks, when `--otel-profiles-exporter` is given", "", "runner/otlp"},
	{"sort", Shape, "arrays, when `--sort` is given", "", "runner/field"},
	{"limit", Shape, "arrays, when `--max-entries` is given", "", "runner/runcmd"},
	{"output", Shape, "every source that is shown", "", "runner/output"},
}

// All returns the operators in the order in which they work.
func All() []Operator { return slices.Clone(operators) }
