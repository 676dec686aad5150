package gadgetapi

import (
	"slices"
	"strings"
)

// Names of the special types that Go code distinguishes.
const (
	TypeMntnsID     = "gadget_mntns_id"
	TypeNetnsID     = "gadget_netns_id"
	TypeTimestamp   = "gadget_timestamp"
	TypeSignal      = "gadget_signal"
	TypeErrno       = "gadget_errno"
	TypeUID         = "gadget_uid"
	TypeGID         = "gadget_gid"
	TypeSyscall     = "gadget_syscall"
	TypeBytes       = "gadget_bytes"
	TypeDuration    = "gadget_duration"
	TypeFileMode    = "gadget_file_mode"
	TypeFileFlags   = "gadget_file_flags"
	TypeProcess     = "gadget_process"
	TypeCreds       = "gadget_creds"
	TypeParent      = "gadget_parent"
	TypeKernelStack = "gadget_kernel_stack"
	TypeUserStack   = "gadget_user_stack"
	TypeIPAddr      = "gadget_ip_addr_t"
	TypeL3          = "gadget_l3endpoint_t"
	TypeL4          = "gadget_l4endpoint_t"
	TypeSocket      = "gadget_socket_value"
)

// specialPrefix begins the names of special types.
const specialPrefix = "gadget_"

// Special is a type that runners know by name.
type Special struct {
	// Name of the typedef or struct.
	Name string
	// C is what it is in C.
	C string
	// Doc describes the meaning of a value.
	Doc string
	// Template is the set of annotations that a field of the type starts from.
	Template string
	// Hidden fields are shown when they are requested.
	Hidden bool
	// Sibling is the field with the text of the value, nil for none.
	Sibling *Sibling
	// Metric is what the metrics take the field for, "" for nothing.
	Metric string
	// Foreign are names of fields below it that other runners add: gadget.yaml
	// may describe them.
	Foreign []string
}

// Sibling is a text field that accompanies a field: x beside x_raw.
type Sibling struct {
	// Target is the annotation that names it.
	Target string
	// Template is the set of annotations that it starts from.
	Template string
	// Fallback is its name when neither the annotation nor "_raw" gives one.
	Fallback string
	// Shown means that columns show it also under its fallback name.
	Shown bool
	// Provider is the operator that fills it, "" for a formatter.
	Provider string
}

// endpointBelow are the raw address, and the fields that describe the pod or
// service of an address.
var endpointBelow = []string{
	"addr_raw", "k8s", "k8s.kind", "k8s.name", "k8s.namespace", "k8s.labels", "k8s.podSelector",
}

// enumSibling is the sibling of a field of an enum type.
var enumSibling = Sibling{Target: "ebpf.formatter.enum"}

// specials is the table, in the order of types.h.
var specials = []Special{
	{
		Name: TypeTimestamp, C: "u64", Doc: "nanoseconds since boot", Template: "timestamp",
		Sibling: &Sibling{Target: "formatters.timestamp.target", Template: "timestamp"},
	},
	{
		Name: TypeDuration, C: "u64", Doc: "nanoseconds",
		Sibling: &Sibling{Target: "formatters.duration.target", Template: "duration"},
	},
	{Name: TypeMntnsID, C: "u64", Doc: "inode number of a mount namespace, names the container", Template: "mntns_id"},
	{Name: TypeNetnsID, C: "u32", Doc: "inode number of a network namespace, names the container", Template: "netns_id"},
	{
		Name: TypeErrno, C: "u32", Doc: "error number, positive",
		Sibling: &Sibling{Target: "formatters.errno.target", Template: "errorString"},
	},
	{Name: TypeSignal, C: "u32", Doc: "number of a signal", Sibling: &Sibling{Target: "formatters.signal.target"}},
	{
		Name: TypeSyscall, C: "u64", Doc: "number of a system call",
		Sibling: &Sibling{Target: "formatters.syscall.target", Template: "syscall"},
	},
	{Name: TypeFileFlags, C: "u32", Doc: "flags of open(2)", Sibling: &Sibling{Target: "formatters.file_flags.target"}},
	{
		Name: TypeFileMode, C: "u32", Doc: "mode of a file, as stat(2) has it",
		Sibling: &Sibling{Target: "formatters.file_mode.target", Template: "file_mode"},
	},
	{Name: "gadget_pid", C: "u32", Doc: "process id", Template: "pid"},
	{Name: "gadget_tid", C: "u32", Doc: "thread id", Template: "tid"},
	{Name: "gadget_ppid", C: "u32", Doc: "process id of the parent", Template: "ppid"},
	{Name: "gadget_ptid", C: "u32", Doc: "thread id of the parent", Template: "ptid"},
	{
		Name: TypeUID, C: "u32", Doc: "user id", Template: "uid", Hidden: true,
		Sibling: &Sibling{Target: "uidgidresolver.target", Fallback: "user"},
	},
	{
		Name: TypeGID, C: "u32", Doc: "group id", Template: "gid", Hidden: true,
		Sibling: &Sibling{Target: "uidgidresolver.target", Fallback: "group"},
	},
	{Name: "gadget_comm", C: "char[16]", Doc: "name of a process", Template: "comm"},
	{Name: "gadget_pcomm", C: "char[16]", Doc: "name of the parent process", Template: "pcomm"},
	{
		Name: TypeBytes, C: "u64", Doc: "amount of data",
		Sibling: &Sibling{Target: "formatters.bytes.target", Template: "bytes"},
	},
	{Name: "gadget_counter__u32", C: "u32", Doc: "metric that only grows", Metric: "counter"},
	{Name: "gadget_counter__u64", C: "u64", Doc: "metric that only grows", Metric: "counter"},
	{Name: "gadget_gauge__u32", C: "u32", Doc: "metric that grows and shrinks", Metric: "gauge"},
	{Name: "gadget_gauge__u64", C: "u64", Doc: "metric that grows and shrinks", Metric: "gauge"},
	{Name: "gadget_histogram_slot__u32", C: "u32", Doc: "array of counts, one for each power of two", Metric: "histogram"},
	{Name: "gadget_histogram_slot__u64", C: "u64", Doc: "array of counts, one for each power of two", Metric: "histogram"},
	{
		Name: TypeKernelStack, C: "u32", Doc: "id in the map of kernel_stack_map.h",
		Sibling: &Sibling{Target: "ebpf.formatter.kstack", Fallback: "kstack", Shown: true, Provider: ProviderKernelStack},
	},
	{Name: TypeUserStack, C: "struct", Doc: "stack of a user program, see user_stack_map.h", Template: "user_stack"},
	{Name: TypeIPAddr, C: "union", Doc: "address of an endpoint", Hidden: true},
	{Name: TypeL3, C: "struct", Doc: "address", Foreign: endpointBelow},
	{
		Name: TypeL4, C: "struct", Doc: "address, port and protocol", Foreign: append([]string{"endpoint"}, endpointBelow...),
	},
	{Name: TypeCreds, C: "struct", Doc: "user and group of a process", Hidden: true},
	{Name: TypeParent, C: "struct", Doc: "parent of a process", Hidden: true},
	{Name: TypeProcess, C: "struct", Doc: "process: name, ids, user, parent", Hidden: true},
	{Name: TypeSocket, C: "struct", Doc: "owner of a socket, value of the map gadget_sockets; not for events"},
}

// Specials returns the table of special types.
func Specials() []Special { return slices.Clone(specials) }

// SpecialNamed returns the special type called name, or nil.
func SpecialNamed(name string) *Special {
	if !strings.HasPrefix(name, specialPrefix) {
		return nil
	}
	for i := range specials {
		if specials[i].Name == name {
			return &specials[i]
		}
	}
	return nil
}

// annotations returns what a field of the type starts from.
func (s *Special) annotations() map[string]string {
	out := map[string]string{}
	for k, v := range templates[s.Template] {
		out[k] = v
	}
	if s.Hidden {
		out[AnnotationHidden] = "true"
	}
	return out
}

// processAlias returns the short name of a field of struct gadget_process, so
// that a column is called PID, not PROC.PID.
func processAlias(owner, name string) (string, bool) {
	switch owner {
	case TypeProcess, TypeCreds:
		return name, name != "creds" && name != "parent"
	case TypeParent:
		return "p" + name, true
	}
	return "", false
}
