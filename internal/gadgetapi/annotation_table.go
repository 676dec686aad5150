package gadgetapi

// sourceAnnotations is the table of annotations of data sources, by group.
var sourceAnnotations = []Annotation{
	{
		Name: "description", values: anyText, Example: "files that are opened", By: "inspect, --help",
		Doc: "What the source shows.",
	},
	{
		Name: "cli.supported-output-modes", values: anyText, Example: "advise", By: "output",
		Doc: "Formats that suit the source, comma-separated; the first known one is its default. A source with `none` alone " +
			"is shown only where `-o` names it.",
	},
	{
		Name: "cli.default-output-mode", values: anyText, Default: "`columns`", Example: "flamegraph", By: "output",
		Doc: "Format in which the source is shown when `-o` does not say.",
	},
	{
		Name: "cli.clear-screen-before", values: boolText, Default: "false", Example: "true", By: "output",
		Doc: "On a terminal, clear the screen before each array.",
	},
	{
		Name: "cli.raw.fields", values: anyText, Default: "the fields of the columns", Example: "text", By: "output",
		Doc: "Fields that `-o raw` writes, comma-separated.",
	},
	{
		Name: "fetch-interval", values: durationText, Default: "1s of a map, an iterator runs once", Example: "500ms",
		By: "ebpf", Doc: "How often an array is read.",
	},
	{
		Name: "fetch-count", values: countText, Default: "0", Example: "1", By: "ebpf",
		Doc: "How often an array is read altogether; 0 is without end.",
	},
	{
		Name: "ebpf.map.flush-on-stop", values: boolText, Default: "false", Example: "true", By: "ebpf",
		Doc: "Read the map once more at the end.",
	},
	{
		Name: "ebpf.iter.fetch-on-stop", values: boolText, Default: "false", Example: "true", By: "ebpf",
		Doc: "Run the iterator once more at the end.",
	},
	{
		Name: "ebpf.map.per-cpu", values: oneOf(PerCPUSum, PerCPUList), Default: "sum", Example: "list", By: "ebpf",
		Doc: "Of a map with a value for each CPU: one entry with the sum, or one for each CPU.",
	},
	{
		Name: "ebpf.rest.name", values: anyText, Example: "payload", By: "rest",
		Doc: "Field that shows the bytes after the struct of an event.",
	},
	{
		Name: "ebpf.rest.len", values: anyText, Default: "all that were sent", Example: "payload_len", By: "rest",
		Doc: "Field with the number of bytes after the struct.",
	},
	{Name: "content-type", values: anyText, Example: "text/markdown", Doc: "Media type of what the source holds."},
	{
		Name: "metrics.collect", values: boolText, Default: "false", Example: "true", By: "metrics",
		Doc: "Serve metrics of the source.",
	},
	{Name: "metrics.print", values: boolText, Default: "false", Example: "true", Doc: "Print metrics now and then."},
	{
		Name: "metrics.name", values: anyText, Default: "name of the source", Example: "opens", By: "metrics",
		Doc: "Name of the metrics' scope.",
	},
	{
		Name: "metrics.implicit-counter.name", values: anyText, Example: "opens", By: "metrics",
		Doc: "Name of a counter of the source's events.",
	},
	{
		Name: "metrics.implicit-counter.description", values: anyText, Example: "files opened", By: "metrics",
		Doc: "Help text of that counter.",
	},
	{
		Name: "logs.array-handling", values: oneOf("array", "elements"), Example: "elements",
		Doc: "Export an array as one record, or one for each element.",
	},
	{
		Name: "logs.name", values: anyText, Example: "opens", By: "logs",
		Doc: "Name of the scope of log records, that of the gadget without it.",
	},
	{
		Name: "logs.body", values: anyText, Example: `comm + " failed"`, By: "logs",
		Doc: "Body of log records: an expression whose value is a text.",
	},
	{Name: "logs.severity", values: anyText, Example: "9", By: "logs", Doc: "Severity of all log records, 1 to 24."},
	{
		Name: "profiles.name", values: anyText, Default: "name of the source", Example: "cpu", By: "profiles",
		Doc: "Name of the exported profile.",
	},
	{
		Name: "profiles.type", values: anyText, Default: "samples", Example: "cpu", By: "output, profiles",
		Doc: "What a profile counts.",
	},
	{
		Name: "profiles.unit", values: anyText, Default: "count", Example: "nanoseconds", By: "output, profiles",
		Doc: "Unit of what a profile counts.",
	},
	{
		Name: "profiles.stack-fields", values: anyText, Default: "process, user stack, kernel stack",
		Example: "kernel_stack,user_stack_raw.symbols", By: "output, profiles",
		Doc: "Fields that a stack is made of, innermost first, comma-separated; a flame graph prefers `flamegraph.level`.",
	},
	{
		Name: "profiles.value-field", values: anyText, Default: "`samples` or `count` of an array, else 1", Example: "bytes",
		By: "output, profiles", Doc: "Number that says how much an entry counts.",
	},
	{Name: "views.modes.flamegraph", values: boolText, Default: "false", Example: "true", Doc: "Offer a flame graph."},
	{Name: "views.defaults.mode", values: anyText, Example: "flamegraph", Doc: "View that a graphical client opens."},
	{
		Name: "pcap.payload", values: anyText, Default: "the field of `ebpf.rest.name`", Example: "data", By: "output",
		Doc: "Field with the packet, for `-o pcap-ng`.",
	},
	{
		Name: "pcap.timestamp", values: anyText, Default: "the first field of type gadget_timestamp", Example: "time_ns",
		By: "output", Doc: "Field with the time of the packet, in nanoseconds since 1970.",
	},
	{
		Name: "pcap.packet-length", values: anyText, Example: "len", By: "output",
		Doc: "Field with the length of the packet before it was cut.",
	},
	{
		Name: "kubenameresolver.enable", values: boolText, Default: "false", Example: "true",
		Doc: "Names of pods and services for addresses; the fields below `k8s` may be described.",
	},
	{
		Name: "generate_networkpolicy.enable", values: boolText, Default: "false", Example: "true",
		Doc: "Write network policies.",
	},
}

// fieldAnnotations is the table of annotations of fields, by group.
var fieldAnnotations = []Annotation{
	{
		Name: "description", values: anyText, Default: "that of its type", Example: "path as the process gave it",
		By: "inspect, --help", Doc: "What the field means.",
	},
	{
		Name: "template", values: oneOf(Templates()...), Default: "that of its type", Example: "pid", By: "all",
		Doc: "Name of a set of annotations to start from.",
	},
	{
		Name: "columns.width", values: countText, Default: "from type and name", Example: "40", By: "output",
		Doc: "Width of the column.",
	},
	{Name: "columns.minwidth", values: countText, Example: "7", By: "output", Doc: "Least width of the column."},
	{Name: "columns.maxwidth", values: countText, Example: "52", By: "output", Doc: "Greatest width of the column."},
	{
		Name: "columns.alignment", values: oneOf("left", "right"), Default: "left", Example: "right", By: "output",
		Doc: "Side on which values are.",
	},
	{
		Name: "columns.ellipsis", values: oneOf("none", "start", "middle", "end"), Default: "end", Example: "middle",
		By: "output", Doc: "Where a value that does not fit is cut.",
	},
	{
		Name: "columns.hidden", values: boolText, Default: "that of its type", Example: "true", By: "output",
		Doc: "Hide the column unless it is selected.",
	},
	{
		Name: "columns.fixed", values: boolText, Default: "false", Example: "true", By: "output",
		Doc: "Keep the width whatever the terminal's is.",
	},
	{
		Name: "columns.hex", values: boolText, Default: "false", Example: "true", By: "output",
		Doc: "Write the number in hexadecimal.",
	},
	{
		Name: "columns.alias", values: anyText, Default: "name of the field", Example: "CPU", By: "output",
		Doc: "Title of the column, and short name of the field.",
	},
	{
		Name: "columns.precision", values: countText, Default: "all that it has", Example: "2", By: "output",
		Doc: "Decimals of a floating point number.",
	},
	{
		Name: "columns.replace", values: anyText, Example: "proc.comm", By: "output",
		Doc: "The field whose value the column shows in place of its own.",
	},
	{
		Name: "json.skip", values: boolText, Default: "false", Example: "true", By: "output",
		Doc: "Leave the field out of JSON and YAML.",
	},
	{
		Name: "value.one-of", values: anyText, Example: "read, write",
		Doc: "Values that the field has, for who reads the gadget.",
	},
	{
		Name: "content-type", values: anyText, Default: "text/plain", Example: "application/octet-stream", By: "output",
		Doc: "What the bytes are; one that is not text is written in base64 or hexadecimal.",
	},
	{
		Name: "metrics.type", values: oneOf("key", "counter", "gauge", "histogram"), Default: "that of its type",
		Example: "key", By: "metrics", Doc: "What the field is in the metrics.",
	},
	{Name: "metrics.unit", values: anyText, Example: "us", By: "metrics, output", Doc: "Unit of the metric (UCUM)."},
	{
		Name: "metrics.name", values: anyText, Default: "name of the field", Example: "latency", By: "metrics",
		Doc: "Name of the metric.",
	},
	{
		Name: "metrics.description", values: anyText, Example: "time from request to answer", By: "metrics",
		Doc: "Help text of the metric.",
	},
	{
		Name: "metrics.boundaries", values: anyText, Default: "powers of two of slots", Example: "1,10,100", By: "metrics",
		Doc: "Upper ends of the buckets of a histogram, comma-separated.",
	},
	{
		Name: "formatters.timestamp.target", values: anyText, Default: "the name without `_raw`", Example: "time",
		By: "formatters", Doc: "Name of the field with the time as text.",
	},
	{
		Name: "formatters.timestamp.format", values: anyText, Default: "2006-01-02T15:04:05.000000000Z07:00",
		Example: "15:04:05", By: "formatters", Doc: "Layout of that text, as package time of Go has it.",
	},
	{
		Name: "formatters.signal.target", values: anyText, Default: "the name without `_raw`", Example: "sig",
		By: "formatters", Doc: "Name of the field with the signal as text.",
	},
	{
		Name: "formatters.errno.target", values: anyText, Default: "the name without `_raw`", Example: "error",
		By: "formatters", Doc: "Name of the field with the error as text.",
	},
	{
		Name: "formatters.syscall.target", values: anyText, Default: "the name without `_raw`", Example: "syscall",
		By: "formatters", Doc: "Name of the field with the system call as text.",
	},
	{
		Name: "formatters.file_mode.target", values: anyText, Default: "the name without `_raw`", Example: "mode",
		By: "formatters", Doc: "Name of the field with the mode as text.",
	},
	{
		Name: "formatters.file_flags.target", values: anyText, Default: "the name without `_raw`", Example: "flags",
		By: "formatters", Doc: "Name of the field with the flags as text.",
	},
	{
		Name: "formatters.bytes.target", values: anyText, Default: "the name without `_raw`", Example: "size",
		By: "formatters", Doc: "Name of the field with the amount of data as text.",
	},
	{
		Name: "formatters.duration.target", values: anyText, Default: "the name without `_raw`", Example: "latency",
		By: "formatters", Doc: "Name of the field with the duration as text.",
	},
	{
		Name: "ebpf.formatter.enum", values: anyText, Default: "the name without `_raw`", Example: "state", By: "formatters",
		Doc: "Name of the field with the name of the enum's value.",
	},
	{
		Name: "ebpf.formatter.kstack", values: anyText, Default: "the name without `_raw`, else `kstack`", Example: "stack",
		By: "kernelstack", Doc: "Name of the field with the kernel stack.",
	},
	{
		Name: "ebpf.formatter.bitfield.separator", values: anyText, Default: "`|`", Example: "`, `", By: "formatters",
		Doc: "What is between the names of several bits of an enum.",
	},
	{
		Name: AnnotationString, values: oneOf(StringCut, StringList, StringAll), Default: "cut", Example: "list",
		By: "formatters", Doc: "What NULs in a char array mean: its end, the end of one text of a list, or nothing.",
	},
	{
		Name: AnnotationStringSize, values: anyText, Example: "args_size", By: "formatters",
		Doc: "Number of the event that says how many bytes of the array count.",
	},
	{
		Name: "uidgidresolver.target", values: anyText, Default: "the name without `_raw`, else `user` or `group`",
		Example: "loginuser", By: "formatters", Doc: "Name of the field with the name of the user or group.",
	},
	{
		Name: "flamegraph.level", values: countText, Example: "10", By: "output",
		Doc: "The field is a part of a stack; the lowest level is outermost.",
	},
	{
		Name: "flamegraph.type", values: oneOf("single", "stack"), Example: "stack", By: "output",
		Doc: "The field is one frame, or frames with separators between them.",
	},
	{
		Name: "profiles.sample-attribute", values: boolText, Default: "false", Example: "true", By: "profiles",
		Doc: "The field is an attribute of the samples of an exported profile.",
	},
	{
		Name: "pcap.interface-key", values: boolText, Default: "false", Example: "true", By: "output",
		Doc: "The packets of each value of the field are an interface of the capture.",
	},
	{
		Name: "pcap.interface-var", values: anyText, Example: "k8s.node", By: "output",
		Doc: "The description of the interface of a capture has the value of the field under this name.",
	},
	{
		Name: "logs.name", values: anyText, Example: "body", By: "logs",
		Doc: "What the field is in log records: body, severity, timestamp, or the name of an attribute.",
	},
	{
		Name: "logs.body", values: boolText, Default: "false", Example: "true",
		Doc: "The field is the body of exported records.",
	},
	{
		Name: "logs.severity", values: boolText, Default: "false", Example: "true",
		Doc: "The field is the severity of exported records.",
	},
}
