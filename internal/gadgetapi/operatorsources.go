package gadgetapi

import (
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// OperatorSource is a data source that an operator fills without an eBPF program.
type OperatorSource struct {
	// Name of the data source, and of the operator in gadget.yaml.
	Name, Operator string
	// Annotation of gadget.yaml that enables it; "" when the operator's own
	// entry below "operator" does.
	Annotation string
	// Kind is Iterator for entries that are read, Tracer for single events.
	Kind SourceKind
	// Interval is how often entries are read unless gadget.yaml says it.
	Interval time.Duration
	// Members are those of the struct of an entry. The runner gives them their values.
	Members []OperatorMember
}

// OperatorMember is a member of the struct of an OperatorSource.
type OperatorMember struct {
	Name string
	// Group is the name by which gadget.yaml chooses it, "" for one that is always there.
	Group string
	Type  btf.Type
	// Hidden members are not in columns: they are also shown in another format, or
	// empty for most entries.
	Hidden bool
}

// The types of members.
var (
	operatorUint32 = &btf.Int{Name: "unsigned int", Size: 4}
	operatorUint64 = &btf.Int{Name: "unsigned long", Size: 8}
	operatorInt32  = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	operatorInt8   = &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed}
	operatorFloat  = &btf.Float{Name: "double", Size: 8}
	operatorBytes  = &btf.Typedef{Name: "gadget_bytes", Type: operatorUint64}
	operatorTime   = &btf.Typedef{Name: "gadget_duration", Type: operatorUint64}
	operatorMntns  = &btf.Typedef{Name: TypeMntnsID, Type: operatorUint64}
)

// operatorText is a type for texts of up to n-1 bytes.
func operatorText(n uint32) btf.Type {
	return &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}, Index: operatorUint32, Nelems: n}
}

// operatorSources is the table.
var operatorSources = []OperatorSource{
	{Name: "processes", Operator: "process", Kind: Iterator, Interval: time.Minute, Members: []OperatorMember{
		{"pid", "", &btf.Typedef{Name: "gadget_pid", Type: operatorInt32}, false},
		{"ppid", "ppid", &btf.Typedef{Name: "gadget_ppid", Type: operatorInt32}, false},
		{"uid", "uid", &btf.Typedef{Name: "gadget_uid", Type: operatorUint32}, false},
		{"priority", "priority", operatorInt8, false},
		{"nice", "nice", operatorInt8, false},
		{"memoryVirtual_raw", "memoryVirtual", operatorBytes, false},
		{"memoryRSS_raw", "memoryRSS", operatorBytes, false},
		{"memoryShared_raw", "memoryShared", operatorBytes, false},
		{"state", "state", operatorText(2), false},
		{"cpuUsage", "cpuUsage", operatorFloat, false},
		{"cpuUsageRelative", "cpuUsageRelative", operatorFloat, false},
		{"memoryRelative", "memoryRelative", operatorFloat, false},
		{"cpuTime", "cpuTime", operatorUint64, true},
		{"cpuTimeStr", "cpuTime", operatorText(24), false},
		{"threadCount", "threadCount", operatorInt32, false},
		{"startTime", "startTime", operatorUint64, true},
		{"startTimeStr", "startTime", operatorText(32), false},
		{"comm", "comm", operatorText(64), false},
		{"mountnsid", "", operatorMntns, false},
	}},
	{Name: "cgroups", Operator: "cgroup", Kind: Iterator, Interval: time.Minute, Members: []OperatorMember{
		{"cgroupPath", "", operatorText(512), false},
		{"nrPeriods", "", operatorUint64, false},
		{"nrThrottled", "", operatorUint64, false},
		{"throttledTime_raw", "", operatorTime, false},
		{"throttleRatio", "", operatorFloat, false},
		{"cpuQuota_raw", "", operatorTime, false},
		{"cpuPeriod_raw", "", operatorTime, false},
		{"cpuLimitCores", "", operatorFloat, false},
		{"psiSomeAvg10", "", operatorFloat, false},
		{"psiSomeAvg60", "", operatorFloat, false},
		{"mountnsid", "", operatorMntns, false},
	}},
	{Name: "bpfstats", Operator: "ebpf", Kind: Iterator, Interval: time.Second, Members: []OperatorMember{
		{"gadgetID", "", operatorText(32), true},
		{"gadgetName", "", operatorText(128), true},
		{"gadgetImage", "", operatorText(256), true},
		{"progID", "", operatorUint32, false},
		{"progName", "", operatorText(32), false},
		{"progType", "", operatorText(32), false},
		{"runtime_raw", "", operatorTime, false},
		{"runcount", "", operatorUint64, false},
		{"cpuUsage", "", operatorFloat, false},
		{"cpuUsageRelative", "", operatorFloat, false},
		{"cpuTimeStr", "", operatorText(24), false},
		{"mapMemory_raw", "", operatorBytes, false},
		{"mapCount", "", operatorUint64, false},
		{"comms", "", operatorText(256), false},
		{"pids", "", operatorText(256), false},
	}},
	{Name: "containers", Annotation: "enable-containers-datasource", Kind: Tracer, Members: []OperatorMember{
		{"cgroup_id", "", operatorUint64, false},
		{"mntns_id", "", operatorMntns, false},
		{"event_type", "", operatorText(16), false},
		{"container_id", "", operatorText(128), false},
		{"container_config", "", operatorText(2), true}, // empty: gadget-run does not see how a container is created
		{"name", "", operatorText(256), false},
	}},
}

// OperatorSources returns the data sources that operators fill.
func OperatorSources() []OperatorSource { return slices.Clone(operatorSources) }

// OperatorSourceNamed returns the data source with a name, nil if no operator fills it.
func OperatorSourceNamed(name string) *OperatorSource {
	for i := range operatorSources {
		if operatorSources[i].Name == name {
			return &operatorSources[i]
		}
	}
	return nil
}

// Qualifier begins the names of the parameters that come with the data source.
func (o *OperatorSource) Qualifier() string { return "operator." + o.Operator + "." }

// Event returns the struct of an entry with the chosen members, all if none is chosen.
// A name that chooses nothing is an error.
func (o *OperatorSource) Event(chosen []string) (*btf.Struct, error) {
	var groups []string
	for _, m := range o.Members {
		if m.Group != "" {
			groups = append(groups, m.Group)
		}
	}
	for _, want := range chosen {
		if !slices.Contains(groups, want) {
			return nil, fmt.Errorf("field %q is unknown, %s", want, nearest.Advice(want, slices.Compact(groups)))
		}
	}
	event := &btf.Struct{Name: o.Name}
	for _, m := range o.Members {
		if m.Group != "" && len(chosen) > 0 && !slices.Contains(chosen, m.Group) {
			continue
		}
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			return nil, err
		}
		event.Members = append(event.Members, btf.Member{Name: m.Name, Type: m.Type, Offset: btf.Bits(8 * event.Size)})
		event.Size += uint32(size)
	}
	return event, nil
}

// MemberBytes returns the bytes of member i of an entry whose struct Event returned.
func MemberBytes(event *btf.Struct, i int, entry []byte) []byte {
	end := event.Size
	if i+1 < len(event.Members) {
		end = event.Members[i+1].Offset.Bytes()
	}
	return entry[event.Members[i].Offset.Bytes():end]
}
