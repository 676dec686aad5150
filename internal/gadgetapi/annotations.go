package gadgetapi

import (
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

// The annotations of a data source whose events have bytes after their struct: the
// field that shows them, and the field that says how many they are.
const (
	AnnotationRestName   = "ebpf.rest.name"
	AnnotationRestLength = "ebpf.rest.len"
)

// AnnotationContentType is the annotation of the media type of a field.
const AnnotationContentType = "content-type"

// The values of AnnotationPerCPU: one entry with the sum of all CPUs, which is
// what happens without the annotation, or one for each CPU that has a value.
const (
	PerCPUSum  = "sum"
	PerCPUList = "list"
)

// EnvFieldPrefix begins annotations of a data source that add a field.
const EnvFieldPrefix = "env.fields."

// Annotation is one that gadget.yaml may give to a data source or to a field.
type Annotation struct {
	Name string
	// Doc describes the effect, Example is a value of it, and Default what holds
	// without it, "" for nothing.
	Doc, Default, Example string
	// By is the part of the runner that acts on it, "" when only other runners do.
	By string

	values values
}

// Values says which values it may have.
func (a Annotation) Values() string { return a.values.want }

// SourceAnnotations returns the annotations of data sources, in groups.
func SourceAnnotations() []Annotation { return slices.Clone(sourceAnnotations) }

// FieldAnnotations returns the annotations of fields, in groups.
func FieldAnnotations() []Annotation { return slices.Clone(fieldAnnotations) }

// CheckAnnotation returns the canonical spelling of an annotation of a field, or
// else of a data source, and an error that says what is wrong with it or its
// value. A key with a slash (example.com/name) belongs to another program and is
// not judged. Templates are not judged either.
func CheckAnnotation(ofField bool, key, value string) (string, error) {
	table := sourceAnnotations
	if ofField {
		table = fieldAnnotations
	}
	if strings.Contains(key, "/") || strings.HasPrefix(key, EnvFieldPrefix) {
		return key, nil
	}
	a, ok := annotationNamed(table, key)
	if !ok {
		var names []string
		for _, a := range table {
			names = append(names, a.Name)
		}
		return key, fmt.Errorf("unknown annotation %q, %s", key, nearest.Advice(key, names))
	}
	if !strings.Contains(value, "{{") && !a.values.valid(value) {
		return a.Name, fmt.Errorf("annotation %q is %q, use %s", a.Name, value, a.values.want)
	}
	return a.Name, nil
}

// annotationNamed returns the annotation with a name, in any case.
func annotationNamed(table []Annotation, name string) (Annotation, bool) {
	name = strings.ToLower(name)
	i := slices.IndexFunc(table, func(a Annotation) bool { return strings.ToLower(a.Name) == name })
	if i < 0 {
		return Annotation{}, false
	}
	return table[i], true
}

// values are those that an annotation may have.
type values struct {
	want  string // in words
	valid func(value string) bool
}

var (
	anyText  = values{"text", func(string) bool { return true }}
	boolText = values{"true or false", func(v string) bool {
		_, err := strconv.ParseBool(v)
		return err == nil
	}}
	countText = values{"a whole number", func(v string) bool {
		_, err := strconv.ParseUint(v, 10, 31)
		return err == nil
	}}
	durationText = values{"a duration such as 500ms", func(v string) bool {
		_, err := time.ParseDuration(v)
		return err == nil
	}}
)

func oneOf(list ...string) values {
	return values{"one of " + strings.Join(list, ", "), func(v string) bool { return slices.Contains(list, v) }}
}
