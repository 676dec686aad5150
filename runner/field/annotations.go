package field

import "strings"

// Names of the special types of the public gadget API.
const (
	typeMntnsID   = "gadget_mntns_id"
	typeNetnsID   = "gadget_netns_id"
	typeTimestamp = "gadget_timestamp"
	typeSignal    = "gadget_signal"
	typeErrno     = "gadget_errno"
	typeUID       = "gadget_uid"
	typeGID       = "gadget_gid"
	typeSyscall   = "gadget_syscall"
	typeBytes     = "gadget_bytes"
	typeDuration  = "gadget_duration"
	typeFileMode  = "gadget_file_mode"
	typeFileFlags = "gadget_file_flags"
	typeProcess   = "gadget_process"
	typeCreds     = "gadget_creds"
	typeParent    = "gadget_parent"
	typeUserStack = "gadget_user_stack"

	typeKernelStack = "gadget_kernel_stack"

	typeIPAddr = "gadget_ip_addr_t"
	typeL3     = "gadget_l3endpoint_t"
	typeL4     = "gadget_l4endpoint_t"
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
	"pcomm":                ann("columns.maxwidth", "16", AnnotationHidden, "true", AnnotationDescription, "Name of the parent process"),
	"pid":                  id("Process id", "7"),
	"tid":                  id("Thread id", "7"),
	"ppid":                 hiddenID("Process id of the parent", "7"),
	"ptid":                 hiddenID("Thread id of the parent", "7"),
	"uid":                  id("User id", "8"),
	"gid":                  id("Group id", "8"),
	"ns":                   ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true"),
	"mntns_id":             ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true", AnnotationDescription, "Mount namespace"),
	"netns_id":             ann("columns.width", "12", "columns.alignment", "right", AnnotationHidden, "true", AnnotationDescription, "Network namespace"),
	"l4endpoint":           ann("columns.minwidth", "22", "columns.width", "40", "columns.maxwidth", "52", "columns.ellipsis", "middle"),
	"syscall":              ann("columns.width", "18", "columns.maxwidth", "28", AnnotationDescription, "System call"),
	"errorString":          ann("columns.width", "12"),
	"file_mode":            ann("columns.width", "10", "columns.maxwidth", "10"),
	"user_stack":           ann(AnnotationHidden, "true", AnnotationDescription, "Stack of the user program"),
}

func id(description, width string) map[string]string {
	return ann("columns.minwidth", width, "columns.alignment", "right", AnnotationDescription, description)
}

func hiddenID(description, width string) map[string]string {
	m := id(description, width)
	m[AnnotationHidden] = "true"
	return m
}

// typeAnnotations returns what a field has because a special type was met on
// the way to its base type.
func typeAnnotations(name string) map[string]string {
	switch name {
	case typeProcess, typeCreds, typeParent, typeIPAddr:
		return ann(AnnotationHidden, "true")
	case typeUserStack:
		return templates["user_stack"]
	case typeTimestamp, typeMntnsID, typeNetnsID,
		"gadget_comm", "gadget_pcomm", "gadget_pid", "gadget_ppid", "gadget_tid", "gadget_ptid":
		return templates[strings.TrimPrefix(name, "gadget_")]
	case typeUID, typeGID:
		m := ann(AnnotationHidden, "true")
		for k, v := range templates[strings.TrimPrefix(name, "gadget_")] {
			m[k] = v
		}
		return m
	}
	return nil
}

// processAlias returns the short name of a field of struct gadget_process, so
// that a column is called PID, not PROC.PID.
func processAlias(owner, name string) (string, bool) {
	switch owner {
	case typeProcess, typeCreds:
		return name, name != "creds" && name != "parent"
	case typeParent:
		return "p" + name, true
	}
	return "", false
}
