// Command btfcut makes the small archives of the tests out of real ones: it keeps
// the types that the test objects use, whole, with what they contain, and
// turns what they only point to into forward declarations.
//
//	go run ./tools/dev/btfcut --archive=DIR --out=internal/btfgen/testdata/archive KERNEL...
//
// where KERNEL is <distro>/<version>/<arch>/<release>.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// names are the types that are kept.
var names = []string{
	"task_struct", "file", "dentry", "qstr", "path", "vfsmount", "mount", "cred", "pid", "upid", "sk_buff",
	"kernfs_node", "file_handle", "list_head", "hlist_node", "callback_head", "nsproxy", "mnt_namespace",
	"files_struct", "fdtable", "linux_binprm", "bpf_iter__task", "bpf_attr", "bpf_func_id", "bpf_map_type",
	"pid_type", "bpf_cgroup_iter_order", "scx_public_consts", "gfp_t", "atomic_t", "kuid_t", "phy_interface_t",
	"btf_trace_sched_switch", "btf_trace_block_rq_issue", "btf_trace_sched_process_exit",
	"syscall_trace_enter", "syscall_trace_exit", "trace_event_raw_sys_enter", "trace_event_raw_sys_exit",
}

// flags is the command line.
type flags struct {
	Archive string   `required:"" help:"Directory of btfhub archives."`
	Out     string   `required:"" help:"Directory of the small ones."`
	Kernel  []string `arg:"" help:"Kernels to cut, as <distro>/<version>/<arch>/<release>."`
}

func main() { os.Exit(tool.Main("btfcut", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("cut", "Cuts archives down for tests.", &f, args, stdout); err != nil {
		return err
	}
	for _, k := range f.Kernel {
		id, err := btfhub.ParseArchivePath(k + btfhub.ArchiveSuffix)
		if err != nil {
			return err
		}
		path := filepath.FromSlash(btfhub.ArchivePath(id))
		full, err := btfhub.ReadArchiveFile(filepath.Join(f.Archive, path))
		if err != nil {
			return err
		}
		small, err := reduce(full)
		if err != nil {
			return fmt.Errorf("%q: %w", k, err)
		}
		var out bytes.Buffer
		if err := btfhub.WriteArchive(&out, id.Release, small); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: %d bytes, packed %d\n", k, len(small), out.Len())
		to := filepath.Join(f.Out, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := action.WriteFile(to, out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// reduce returns raw BTF with the wanted types alone.
func reduce(raw []byte) ([]byte, error) {
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := cutter{done: map[btf.Type]btf.Type{}, wanted: map[string]bool{}}
	for _, n := range names {
		c.wanted[n] = true
	}
	var roots []btf.Type
	for _, n := range names {
		found, err := spec.AnyTypesByName(n)
		if err != nil {
			continue // the kernel does not have it, which tests want, too
		}
		for _, t := range found {
			if _, ok := t.(*btf.Func); !ok {
				roots = append(roots, c.cut(t))
			}
		}
	}
	b, err := btf.NewBuilder(roots, nil)
	if err != nil {
		return nil, err
	}
	return b.Marshal(nil, nil)
}

// cutter copies types.
type cutter struct {
	done   map[btf.Type]btf.Type
	wanted map[string]bool
}

func (c *cutter) cut(t btf.Type) btf.Type {
	if n, ok := c.done[t]; ok {
		return n
	}
	switch t := t.(type) {
	case *btf.Struct:
		n := &btf.Struct{Name: t.Name, Size: t.Size, Members: append([]btf.Member{}, t.Members...)}
		c.done[t] = n
		c.members(n.Members)
		return n
	case *btf.Union:
		n := &btf.Union{Name: t.Name, Size: t.Size, Members: append([]btf.Member{}, t.Members...)}
		c.done[t] = n
		c.members(n.Members)
		return n
	case *btf.Pointer:
		n := &btf.Pointer{}
		c.done[t] = n
		n.Target = c.target(t.Target)
		return n
	case *btf.FuncProto:
		n := &btf.FuncProto{Params: append([]btf.FuncParam{}, t.Params...)}
		c.done[t] = n
		n.Return = c.cut(t.Return)
		for i := range n.Params {
			n.Params[i].Type = c.cut(n.Params[i].Type)
		}
		return n
	}
	return c.wrapped(t)
}

func (c *cutter) members(members []btf.Member) {
	for i := range members {
		members[i].Type = c.cut(members[i].Type)
	}
}

// wrapped copies types with one inner type; others need no copy.
func (c *cutter) wrapped(t btf.Type) btf.Type {
	var n btf.Type
	switch t := t.(type) {
	case *btf.Array:
		n = &btf.Array{Index: t.Index, Type: c.cut(t.Type), Nelems: t.Nelems}
	case *btf.Typedef:
		n = &btf.Typedef{Name: t.Name, Type: c.cut(t.Type)}
	case *btf.Const:
		n = &btf.Const{Type: c.cut(t.Type)}
	case *btf.Volatile:
		n = &btf.Volatile{Type: c.cut(t.Type)}
	case *btf.Restrict:
		n = &btf.Restrict{Type: c.cut(t.Type)}
	case *btf.TypeTag:
		n = &btf.TypeTag{Value: t.Value, Type: c.cut(t.Type)}
	default:
		n = t
	}
	c.done[t] = n
	return n
}

// target copies what a pointer points to: a struct that is not wanted by its
// name becomes a forward declaration.
func (c *cutter) target(t btf.Type) btf.Type {
	switch u := t.(type) {
	case *btf.Struct:
		if u.Name != "" && !c.wanted[u.Name] {
			return &btf.Fwd{Name: u.Name, Kind: btf.FwdStruct}
		}
	case *btf.Union:
		if u.Name != "" && !c.wanted[u.Name] {
			return &btf.Fwd{Name: u.Name, Kind: btf.FwdUnion}
		}
	case *btf.Const:
		return &btf.Const{Type: c.target(u.Type)}
	}
	return c.cut(t)
}
