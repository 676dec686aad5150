package gadgetapi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// The annotations of gadget.yaml that decide about a field itself.
const (
	AnnotationHidden      = "columns.hidden"
	AnnotationAlias       = "columns.alias"
	AnnotationTemplate    = "template"
	AnnotationDescription = "description"
	AnnotationSkipJSON    = "json.skip"
)

// The annotations of a char array: what its NULs mean, and which field says how
// many of its bytes count.
const (
	AnnotationString     = "ebpf.string"
	AnnotationStringSize = "ebpf.string.size"
)

// The values of AnnotationString: the text up to the first NUL, which is what
// happens without the annotation, a list of texts with NULs between them, or every
// byte up to the NULs at the end.
const (
	StringCut  = "cut"
	StringList = "list"
	StringAll  = "all"
)

// The annotations of a data source that say when an array is read.
const (
	AnnotationInterval = "fetch-interval"
	AnnotationCount    = "fetch-count"
	AnnotationIterStop = "ebpf.iter.fetch-on-stop"
	AnnotationMapStop  = "ebpf.map.flush-on-stop"
	AnnotationPerCPU   = "ebpf.map.per-cpu"
)

// The annotations of a data source whose events have bytes behind their struct: the
// field that shows them, and the field that says how many they are.
const (
	AnnotationRestName   = "ebpf.rest.name"
	AnnotationRestLength = "ebpf.rest.len"
)

// AnnotationContentType says what the bytes of a field are.
const AnnotationContentType = "content-type"

// The values of AnnotationPerCPU: one entry with the sum of all CPUs, which is
// what happens without the annotation, or one for each CPU that has a value.
const (
	PerCPUSum  = "sum"
	PerCPUList = "list"
)

// check returns the form that a value must have, empty when it has it.
type check func(value string) string

// Annotations of data sources that operators act on.
var sourceAnnotations = map[string]check{
	"description":                          anyText,
	"cli.supported-output-modes":           anyText,
	"cli.default-output-mode":              anyText,
	"cli.clear-screen-before":              boolText,
	"cli.raw.fields":                       anyText,
	"fetch-interval":                       durationText,
	"fetch-count":                          countText,
	"ebpf.map.flush-on-stop":               boolText,
	"ebpf.iter.fetch-on-stop":              boolText,
	"ebpf.map.per-cpu":                     oneOf(PerCPUSum, PerCPUList),
	"ebpf.rest.name":                       anyText,
	"ebpf.rest.len":                        anyText,
	"metrics.collect":                      boolText,
	"metrics.print":                        boolText,
	"metrics.name":                         anyText,
	"metrics.implicit-counter.name":        anyText,
	"metrics.implicit-counter.description": anyText,
	"logs.array-handling":                  oneOf("array", "elements"),
	"logs.name":                            anyText,
	"logs.body":                            anyText,
	"logs.severity":                        anyText,
	"profiles.name":                        anyText,
	"profiles.type":                        anyText,
	"profiles.unit":                        anyText,
	"profiles.stack-fields":                anyText,
	"profiles.value-field":                 anyText,
	"views.modes.flamegraph":               boolText,
	"views.defaults.mode":                  anyText,
	"pcap.payload":                         anyText,
	"pcap.timestamp":                       anyText,
	"pcap.packet-length":                   anyText,
	"kubenameresolver.enable":              boolText,
	"generate_networkpolicy.enable":        boolText,
	"content-type":                         anyText,
}

// Annotations of fields that operators act on.
var fieldAnnotations = map[string]check{
	"description":                       anyText,
	"template":                          oneOf(Templates()...),
	"columns.width":                     countText,
	"columns.minwidth":                  countText,
	"columns.maxwidth":                  countText,
	"columns.alignment":                 oneOf("left", "right"),
	"columns.ellipsis":                  oneOf("none", "start", "middle", "end"),
	"columns.hidden":                    boolText,
	"columns.fixed":                     boolText,
	"columns.hex":                       boolText,
	"columns.alias":                     anyText,
	"columns.precision":                 countText,
	"columns.replace":                   anyText,
	"json.skip":                         boolText,
	"value.one-of":                      anyText,
	"content-type":                      anyText,
	"metrics.type":                      oneOf("key", "counter", "gauge", "histogram"),
	"metrics.unit":                      anyText,
	"metrics.name":                      anyText,
	"metrics.description":               anyText,
	"metrics.boundaries":                anyText,
	"formatters.timestamp.target":       anyText,
	"formatters.timestamp.format":       anyText,
	"formatters.signal.target":          anyText,
	"formatters.errno.target":           anyText,
	"formatters.syscall.target":         anyText,
	"formatters.file_mode.target":       anyText,
	"formatters.file_flags.target":      anyText,
	"formatters.bytes.target":           anyText,
	"formatters.duration.target":        anyText,
	"ebpf.formatter.enum":               anyText,
	"ebpf.formatter.kstack":             anyText,
	"ebpf.formatter.bitfield.separator": anyText,
	AnnotationString:                    oneOf(StringCut, StringList, StringAll),
	AnnotationStringSize:                anyText,
	"uidgidresolver.target":             anyText,
	"flamegraph.level":                  countText,
	"flamegraph.type":                   oneOf("single", "stack"),
	"profiles.sample-attribute":         boolText,
	"pcap.interface-key":                boolText,
	"pcap.interface-var":                anyText,
	"logs.body":                         boolText,
	"logs.severity":                     boolText,
}

// EnvFieldPrefix begins annotations of a data source that add a field.
const EnvFieldPrefix = "env.fields."

// CheckAnnotation returns the canonical spelling of an annotation of a field, or
// else of a data source, and an error that says what is wrong with it or its
// value. A key with a slash (example.com/name) belongs to somebody else and is
// not judged. Templates are not judged either.
func CheckAnnotation(ofField bool, key, value string) (string, error) {
	known := sourceAnnotations
	if ofField {
		known = fieldAnnotations
	}
	canonical, wrong := checkAnnotation(known, key, value)
	if wrong != "" {
		return canonical, errors.New(wrong)
	}
	return canonical, nil
}

// checkAnnotation returns the canonical spelling of key and what is wrong with
// it or its value.
func checkAnnotation(known map[string]check, key, value string) (string, string) {
	if strings.Contains(key, "/") || strings.HasPrefix(key, EnvFieldPrefix) {
		return key, ""
	}
	canonical, verify := key, known[key]
	if verify == nil {
		canonical = strings.ToLower(key)
		verify = known[canonical]
	}
	if verify == nil {
		names := []string{}
		for k := range known {
			names = append(names, k)
		}
		return key, fmt.Sprintf("unknown annotation %q, %s", key, nearest.Advice(key, names))
	}
	if strings.Contains(value, "{{") {
		return canonical, ""
	}
	if want := verify(value); want != "" {
		return canonical, fmt.Sprintf("annotation %q is %q, use %s", canonical, value, want)
	}
	return canonical, ""
}

func anyText(string) string { return "" }

func boolText(v string) string {
	if _, err := strconv.ParseBool(v); err != nil {
		return "true or false"
	}
	return ""
}

func countText(v string) string {
	if _, err := strconv.ParseUint(v, 10, 31); err != nil {
		return "a whole number"
	}
	return ""
}

func durationText(v string) string {
	if _, err := time.ParseDuration(v); err != nil {
		return "a duration such as 500ms"
	}
	return ""
}

func oneOf(values ...string) check {
	return func(v string) string {
		if slices.Contains(values, v) {
			return ""
		}
		return "one of " + strings.Join(values, ", ")
	}
}
