package gadget

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// Key is one that a mapping of gadget.yaml or build.yaml may have.
type Key struct {
	Name string
	// Type is what its value is.
	Type string
	// Doc describes the meaning, Example is a value in YAML's flow style, and Default
	// what holds without it, "" for nothing.
	Doc, Default, Example string
	// By is who acts on it: "build", "run", "inspect", "registry"; "" when only other runners do.
	By string
}

// KeyTable is what a mapping may have.
type KeyTable struct {
	// Path leads to the mapping: keys with dots between them, capital letters for
	// names that the author chooses; "" is the whole file.
	Path string
	Keys []Key
}

const (
	typeText    = "string"
	typeList    = "list of strings"
	typeTexts   = "mapping of strings"
	typeMapping = "mapping"
	typeBool    = "boolean"
	typePath    = "path"
)

// The tables say which keys there are; the readers in metadata.go and
// buildfile.go say how each is read.
var (
	buildKeys = []Key{
		{"ebpfsource", typePath, "Source of the eBPF program. Named and missing is an error, default and missing is a " +
			"gadget without program.", DefaultSource, "src/trace.bpf.c", "build"},
		{
			"metadata", typePath, "The metadata. Named and missing is an error, default and missing is empty metadata.",
			ConfigFile, "trace.yaml", "build",
		},
		{
			"wasm", typePath, "A prebuilt `.wasm`, or source (`.go`, `.rs`) that is compiled to one ([wasm.md](wasm.md)).", "",
			"program.go", "build",
		},
		{
			"cflags", typeList, "Further flags of the compiler, of the kinds `-I -D -W -f -O -g -m -std`.", "",
			`["-DNAME_LIMIT=128"]`, "build",
		},
		{
			"archs", typeList, "The architectures to build for, of `amd64` and `arm64`.", "those that the rule names", "[amd64]",
			"build",
		},
		{
			"includes", "list of paths", "Directories inside the gadget's in which headers are looked for.", "", "[include]",
			"build",
		},
	}
	rootKeys = []Key{
		{"name", typeText, "Name of the gadget.", "", "trace open", "inspect, run"},
		{"description", typeText, "What the gadget shows, in a sentence.", "", "Shows files that are opened", "inspect, run"},
		{"homepageURL", typeText, "Page about the gadget.", "", "https://example.com", "registry, inspect"},
		{"documentationURL", typeText, "Page of its documentation.", "", "https://example.com/docs", "registry, inspect"},
		{"sourceURL", typeText, "Page of its source.", "", "https://example.com/src", "registry, inspect"},
		{
			"annotations", typeTexts, "Annotations of the artifact.", "", "{org.opencontainers.image.vendor: Example}",
			"registry, run",
		},
		{
			"datasources", typeMapping, "The data sources, by name.", "",
			"{open: {fields: {fname: {annotations: {columns.width: 40}}}}}", "build, run",
		},
		{
			"params", typeMapping, "The parameters of the gadget.", "", "{ebpf: {min: {key: min, defaultValue: 10}}}",
			"build, run",
		},
		{"ebpfParams", typeMapping, "An older name of `params.ebpf`.", "", "{min: {key: min}}", "build, run"},
		{
			"programs", typeMapping, "The programs, by name of the function or by what follows the slash in its section.", "",
			"{on_open: {attach_to: do_filp_open}}", "build, run",
		},
		{"operator", typeMapping, "Settings of operators, by name.", "", "{process: {emitstats: true}}", "run"},
		{
			"paramDefaults", typeTexts, "Other defaults of parameters of the gadget and of the runner, by qualified name.", "",
			"{operator.sort.sort: -count}", "build, run",
		},
	}
	sourceKeys = []Key{
		{
			"annotations", typeTexts, "[Annotations](#annotations-of-data-sources) of the data source.", "",
			"{fetch-interval: 2s}", "build, run",
		},
		{
			"fields", typeMapping, "The fields by name; those of nested structs with dots.", "",
			"{proc.comm: {annotations: {columns.width: 20}}}", "build, run",
		},
	}
	fieldKeys = []Key{
		{
			"annotations", typeTexts, "[Annotations](#annotations-of-fields) of the field.", "", "{columns.hidden: true}",
			"build, run",
		},
	}
	paramsKeys = []Key{
		{
			"ebpf", typeMapping, "Parameters of the program, by name of the variable that `GADGET_PARAM` marks.", "",
			"{min: {key: min}}", "build, run",
		},
		{"wasm", typeMapping, "Parameters of the wasm program, by name.", "", "{level: {defaultValue: low}}", "build, run"},
		{
			"custom", typeMapping, "Parameters whose values patch this file, by name.", "",
			"{view: {values: {short: {patch: {}}}}}", "build, run",
		},
	}
	paramKeys = []Key{
		{"key", typeText, "Name of the flag.", "name of the parameter", "min-latency", "run"},
		{"alternativeKey", typeText, "Another name of the flag.", "", "latency", "run"},
		{"description", typeText, "What it is for.", "", "Least latency that is shown", "inspect, run"},
		{"alias", typeText, "One letter that is a short flag.", "", "l", "run"},
		{"title", typeText, "Its name for people.", "", "Minimal latency", "inspect, run"},
		{"valueHint", typeText, "What kind of thing the value names, for graphical clients.", "", "string:comm", ""},
		{"type", typeText, "Type of the value, where the variable does not say it.", "", "uint32", ""},
		{
			"defaultValue", typeText,
			"Value without the flag; it must fit the variable. " +
				"With `true` or `false` the flag of a wasm program needs no value.",
			"value of the variable", "10",
			"build, run",
		},
		{"isMandatory", typeBool, "A run without the flag is a usage error.", "false", "true", "run"},
		{"tags", typeList, "Tags for graphical clients.", "", "[group:latency]", ""},
		{"possibleValues", typeList, "The values that it may have.", "all of its type", "[low, high]", "build, run"},
		{"annotations", typeTexts, "Annotations for graphical clients.", "", "{example.com/unit: us}", ""},
	}
	customKeys = []Key{
		{
			"patch", typeMapping, "What overrides this file for every value; texts may be templates.", "",
			"{name: 'open {{call .getParamValue \"custom.view\"}}'}", "run",
		},
		{
			"values", typeMapping, "The possible values.", "any, when there is a `patch`",
			"{short: {patch: {description: short}}}", "build, run",
		},
	}
	valueKeys = []Key{
		{
			"patch", typeMapping, "What overrides this file for this value.", "the parameter's `patch`", "{description: short}",
			"run",
		},
		{"description", typeText, "What the value means.", "", "few columns", ""},
	}
	programKeys = []Key{
		{"attach_to", typeText, "Place to attach to instead of the one of the section; `gadget_program_disabled` leaves " +
			"the program out.", "target of the section", "do_filp_open", "run"},
		{
			"perf", typeMapping, "The event of a `perf_event` program.", "{type: software}",
			"{type: hardware, config: instructions}", "run",
		},
		{"sampler", typeMapping, "How often a `perf_event` program runs.", "{frequency: 49}", "{frequency: 99}", "run"},
	}
	perfKeys = []Key{
		{"type", typeText, "`software` or `hardware`.", "software", "hardware", "run"},
		{"config", typeText, "The event, by name or number.", "`cpu-clock` or `cpu-cycles`", "page-faults", "run"},
		{"sampleType", typeText, "What is sampled in addition; the program reads it itself.", "", "raw", ""},
	}
	samplerKeys = []Key{
		{"frequency", "number", "How often a second the program runs on each CPU.", "49", "99", "run"},
		{"period", "number", "After how many events it runs, instead of the frequency.", "", "10000", "run"},
	}
)

// BuildKeys returns the keys of build.yaml.
func BuildKeys() []Key { return slices.Clone(buildKeys) }

// MetadataKeys returns the keys of gadget.yaml, by the mapping that has them.
func MetadataKeys() []KeyTable {
	return []KeyTable{
		{"", rootKeys},
		{"datasources.NAME", sourceKeys},
		{"datasources.NAME.fields.NAME", fieldKeys},
		{"params", paramsKeys},
		{"params.ebpf.VARIABLE, params.wasm.NAME, params.custom.NAME", paramKeys},
		{"params.custom.NAME", customKeys},
		{"params.custom.NAME.values.VALUE", valueKeys},
		{"programs.NAME", programKeys},
		{"programs.NAME.perf", perfKeys},
		{"programs.NAME.sampler", samplerKeys},
	}
}

// keyed is fields for a mapping whose keys are in a table; read has the reader of
// each.
func (r *yamlReader) keyed(n *yaml.Node, what string, table []Key, read map[string]func(*yaml.Node)) {
	readers := make(map[string]func(*yaml.Node), len(table))
	for _, k := range table {
		readers[k.Name] = read[k.Name]
	}
	r.fields(n, what, readers)
}
