package gadget

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// specialPrefix begins the names of types that operators know.
const specialPrefix = "gadget_"

// rawSuffix ends the name of a field whose formatted sibling has the name
// without it.
const rawSuffix = "_raw"

// Limits of the fields of a struct: how deep structs may lie inside each
// other, and how many fields there may be. A few structs that each contain the
// next one twice are a billion fields.
const (
	maxFieldDepth = 32
	maxFields     = 1 << 14
)

// specialTypes are the types of gadget/types.h.
var specialTypes = []string{
	"gadget_mntns_id", "gadget_netns_id", "gadget_timestamp", "gadget_signal", "gadget_errno",
	"gadget_uid", "gadget_gid", "gadget_file_mode", "gadget_file_flags", "gadget_kernel_stack",
	"gadget_pid", "gadget_ppid", "gadget_tid", "gadget_ptid", "gadget_syscall", "gadget_comm",
	"gadget_pcomm", "gadget_bytes", "gadget_duration", "gadget_counter__u32", "gadget_counter__u64",
	"gadget_gauge__u32", "gadget_gauge__u64", "gadget_histogram_slot__u32", "gadget_histogram_slot__u64",
	"gadget_user_stack", "gadget_l3endpoint_t", "gadget_l4endpoint_t", "gadget_ip_addr_t",
	"gadget_process", "gadget_creds", "gadget_parent", "gadget_socket_value",
}

// formattedTypes are the special types whose x_raw gets a sibling x.
var formattedTypes = []string{
	"gadget_timestamp", "gadget_signal", "gadget_errno", "gadget_syscall", "gadget_file_mode",
	"gadget_file_flags", "gadget_bytes", "gadget_duration", "gadget_kernel_stack", "gadget_uid", "gadget_gid",
}

// addedFields are the fields that operators put below one of a special type.
var addedFields = map[string][]string{
	"gadget_l3endpoint_t": {"addr", "k8s", "k8s.kind", "k8s.name", "k8s.namespace", "k8s.labels", "k8s.podSelector"},
	"gadget_l4endpoint_t": {"addr", "proto", "endpoint", "k8s", "k8s.kind", "k8s.name", "k8s.namespace", "k8s.labels", "k8s.podSelector"},
	"gadget_user_stack":   {"addresses", "buildid", "symbols"},
}

// objectField is a field that a struct has.
type objectField struct {
	name    string // dotted
	private bool   // its name, or one before a dot, begins with "__"
	leaf    bool
	// special is the name of the special type, if it has one.
	special string
	// unknownSpecial is a type named like a special one that does not exist.
	unknownSpecial string
	enum           bool
}

// fieldsOf returns the fields of st and of the structs in it.
func fieldsOf(st *btf.Struct) []objectField {
	return memberFields(st.Members, "", 0, maxFields)
}

// memberFields returns at most limit fields.
func memberFields(members []btf.Member, prefix string, depth, limit int) []objectField {
	if depth > maxFieldDepth {
		return nil
	}
	out := []objectField{}
	for _, m := range members {
		if len(out) >= limit {
			break
		}
		inner := membersOf(m.Type)
		if m.Name == "" {
			out = append(out, memberFields(inner, prefix, depth+1, limit-len(out))...)
			continue
		}
		f := objectField{name: prefix + m.Name, leaf: len(inner) == 0}
		f.private = strings.HasPrefix(m.Name, "__") || strings.Contains(prefix, ".__") || strings.HasPrefix(prefix, "__")
		f.special, f.unknownSpecial = specialOf(m.Type)
		_, f.enum = btf.UnderlyingType(m.Type).(*btf.Enum)
		out = append(out, f)
		out = append(out, memberFields(inner, f.name+".", depth+1, limit-len(out))...)
	}
	return out
}

// membersOf returns the members of a struct or union, nil for other types. An
// address is a value, although it is a union.
func membersOf(t btf.Type) []btf.Member {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		if t.Name != "gadget_ip_addr_t" {
			return t.Members
		}
	}
	return nil
}

// specialOf returns the special type that t is by name, or the name that only
// looks like one.
func specialOf(t btf.Type) (known, unknown string) {
	for range maxFieldDepth {
		name := t.TypeName()
		if slices.Contains(specialTypes, name) {
			return name, ""
		}
		if _, ok := t.(*btf.Typedef); ok && strings.HasPrefix(name, specialPrefix) {
			return "", name
		}
		switch tt := t.(type) {
		case *btf.Typedef:
			t = tt.Type
		case *btf.Const:
			t = tt.Type
		case *btf.Volatile:
			t = tt.Type
		case *btf.TypeTag:
			t = tt.Type
		case *btf.Array:
			t = tt.Type
		default:
			return "", ""
		}
	}
	return "", ""
}

// fieldSet is the names of the fields that a data source has at run time.
type fieldSet struct {
	names    map[string]bool
	private  map[string]bool
	prefixes []string // everything below is there
}

// fieldsAtRunTime returns the fields of a data source: those of its structs and
// those that operators add, which gadget.yaml's annotations can rename.
func fieldsAtRunTime(s ObjectSource, md *DataSource) fieldSet {
	set := fieldSet{names: map[string]bool{}, private: map[string]bool{}}
	for _, st := range s.Structs {
		for _, f := range fieldsOf(st) {
			set.add(f, md)
		}
	}
	if rest := md.Annotations["ebpf.rest.name"]; rest != "" {
		set.names[rest] = true
	}
	for key := range md.Annotations {
		if name, ok := strings.CutPrefix(key, envFieldPrefix); ok {
			set.names[name] = true
		}
	}
	if md.Annotations["kubenameresolver.enable"] == "true" {
		set.prefixes = append(set.prefixes, "k8s")
	}
	return set
}

func (set *fieldSet) add(f objectField, md *DataSource) {
	if f.private {
		set.private[f.name] = true
		return
	}
	set.names[f.name] = true
	parent, own := splitField(f.name)
	if md := md.Fields[f.name]; md != nil {
		for _, a := range targetAnnotations {
			if target := md.Annotations[a]; target != "" {
				set.names[parent+target] = true
			}
		}
	}
	if sibling, ok := strings.CutSuffix(own, rawSuffix); ok && (f.enum || slices.Contains(formattedTypes, f.special)) {
		set.names[parent+sibling] = true
	}
	switch f.special {
	case "gadget_uid":
		set.names[parent+"user"] = true
	case "gadget_gid":
		set.names[parent+"group"] = true
	case "gadget_mntns_id", "gadget_netns_id":
		set.prefixes = append(set.prefixes, "k8s", "runtime")
	}
	for _, name := range addedFields[f.special] {
		set.names[f.name+"."+name] = true
	}
}

// has reports whether the data source has the field.
func (set *fieldSet) has(name string) bool {
	if set.names[name] {
		return true
	}
	for _, p := range set.prefixes {
		if name == p || strings.HasPrefix(name, p+".") {
			return true
		}
	}
	return false
}

// splitField returns the part of a dotted name up to its last dot, and the rest.
func splitField(name string) (parent, own string) {
	i := strings.LastIndexByte(name, '.')
	return name[:i+1], name[i+1:]
}
