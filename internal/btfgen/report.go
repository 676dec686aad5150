package btfgen

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// ReportSchema names the form of a Report.
const ReportSchema = "rules_gadget.btfgen.report/v1"

// Report describes what became of each relocation on each kernel.
type Report struct {
	Schema      string             `json:"schema"`
	Object      string             `json:"object"` // base names, with commas between several
	Arch        string             `json:"arch"`   // GOARCH of the kernels
	Relocations []ReportRelocation `json:"relocations"`
	Kernels     []ReportKernel     `json:"kernels"`
}

// ReportRelocation is one distinct relocation of the objects.
type ReportRelocation struct {
	ID       int      `json:"id"`
	Object   string   `json:"object"`
	Program  string   `json:"program"`  // function of the first instruction that has it
	Programs []string `json:"programs"` // all programs that have it, also in functions they call
	Section  string   `json:"section"`
	Insn     int      `json:"insn"` // number of the instruction in the function
	Kind     string   `json:"kind"`
	Type     string   `json:"type"`   // root type, such as "struct task_struct"
	Access   string   `json:"access"` // such as "task_struct.tasks.prev"
	Source   string   `json:"source"` // "file:line", or empty
	Guarded  bool     `json:"guarded"`
	Count    int      `json:"count"` // how many instructions have it
}

// ReportKernel is one kernel. Results has a letter for each relocation: r for
// resolved, a for absent, m for ambiguous. It is empty when Error is set.
type ReportKernel struct {
	Distro  string `json:"distro"`
	Version string `json:"version"`
	Arch    string `json:"arch"` // GOARCH
	Release string `json:"release"`
	Error   string `json:"error"`
	Results string `json:"results"`
	Size    int    `json:"size"` // bytes of minimal BTF
}

// newReport returns a report without kernels.
func newReport(objects []*core.Object, arch string) *Report {
	r := &Report{
		Schema: ReportSchema, Arch: arch,
		Relocations: []ReportRelocation{}, Kernels: []ReportKernel{},
	}
	var names []string
	for _, o := range objects {
		name := path.Base(filepath.ToSlash(o.Name))
		names = append(names, name)
		for _, rel := range o.Relocations {
			r.Relocations = append(r.Relocations, ReportRelocation{
				ID: len(r.Relocations), Object: name, Program: rel.Program, Programs: rel.Programs, Section: rel.Section,
				Insn: rel.Insn, Kind: rel.Kind.String(), Type: rel.RootType(), Access: rel.Access,
				Source: rel.Source, Guarded: rel.Guarded, Count: rel.Count,
			})
		}
	}
	r.Object = strings.Join(names, ",")
	return r
}

// add appends a kernel with its results or its error.
func (r *Report) add(id kernel.Identity, res *core.Result, err error) {
	k := ReportKernel{Distro: id.Distro, Version: id.Version, Arch: id.Arch.String(), Release: id.Release}
	if err != nil {
		k.Error = err.Error()
	} else {
		k.Results, k.Size = letters(res.Status), len(res.BTF)
	}
	r.Kernels = append(r.Kernels, k)
}

// letters spells outcomes as Results has them.
func letters(status [][]core.Status) string {
	var b strings.Builder
	for _, list := range status {
		for _, s := range list {
			b.WriteByte("arm"[s])
		}
	}
	return b.String()
}
