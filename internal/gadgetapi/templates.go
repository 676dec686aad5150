package gadgetapi

import (
	"maps"
	"slices"
)

func ann(kv ...string) map[string]string {
	m := make(map[string]string, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// templates are the annotation sets that gadget.yaml names with "template".
var templates = map[string]map[string]string{
	"timestamp":            ann("columns.width", "35", "columns.maxwidth", "35", AnnotationHidden, "true"),
	"bytes":                ann("columns.width", "10", "columns.alignment", "right"),
	"duration":             ann("columns.width", "20", "columns.alignment", "right"),
	"node":                 ann("columns.width", "30", "columns.ellipsis", "middle"),
	"pod":                  ann("columns.width", "30", "columns.ellipsis", "middle"),
	"container":            ann("columns.width", "30"),
	"namespace":            ann("columns.width", "30"),
	"containerImageName":   ann("columns.width", "30"),
	"containerPid":         ann("columns.width", "6", "columns.alignment", "right", AnnotationHidden, "true"),
	"containerImageDigest": ann("columns.width", "30"),
	"containerStartedAt":   ann("columns.width", "35", AnnotationHidden, "true"),
	"comm":                 ann("columns.maxwidth", "16", AnnotationDescription, "Process name"),
	"pcomm": ann("columns.maxwidth", "16", AnnotationHidden, "true", AnnotationDescription,
		"Name of the parent process"),
	"pid":  id("Process id", "7"),
	"tid":  id("Thread id", "7"),
	"ppid": hiddenID("Process id of the parent", "7"),
	"ptid": hiddenID("Thread id of the parent", "7"),
	"uid":  id("User id", "8"),
	"gid":  id("Group id", "8"),
	"ns":   ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true"),
	"mntns_id": ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true",
		AnnotationDescription, "Mount namespace"),
	"netns_id": ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true",
		AnnotationDescription, "Network namespace"),
	"l4endpoint": ann("columns.minwidth", "22", "columns.width", "40", "columns.maxwidth", "52",
		"columns.ellipsis", "middle"),
	"syscall":     ann("columns.width", "18", "columns.maxwidth", "28", AnnotationDescription, "System call"),
	"errorString": ann("columns.width", "12"),
	"file_mode":   ann("columns.width", "10", "columns.maxwidth", "10"),
	"user_stack":  ann(AnnotationHidden, "true", AnnotationDescription, "Stack of the user program"),
}

func id(description, width string) map[string]string {
	return ann("columns.minwidth", width, "columns.alignment", "right", AnnotationDescription, description)
}

func hiddenID(description, width string) map[string]string {
	m := id(description, width)
	m[AnnotationHidden] = "true"
	return m
}

// Templates returns the names of the templates, sorted.
func Templates() []string { return slices.Sorted(maps.Keys(templates)) }

// Template returns a copy of the annotations of a template.
func Template(name string) map[string]string { return maps.Clone(templates[name]) }
