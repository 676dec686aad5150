package btfgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

func TestReport(t *testing.T) {
	objects := []*core.Object{readObject(t, object("types", "el")), readObject(t, object("enums", "el"))}
	missing := btfhub.Archive{
		Kernel: kernel.Identity{Distro: "debian", Version: "12", Arch: "amd64", Release: "0"}, Path: "0.btf.tar.xz",
	}
	var list []btfhub.Archive
	for _, a := range archives(t) {
		if a.Kernel.Release == "6.12.117+deb13-cloud-amd64" {
			list = append(list, a)
		}
	}
	out, err := btfgen.GenerateArchives(t.Context(), objects, append(list, missing), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := out.Report
	want := btfgen.ReportRelocation{
		ID: 5, Object: "types.el.bpf.o", Program: "types", Programs: []string{"types"}, Section: "kprobe/types", Insn: 24,
		Kind: "type_exists", Type: "struct no_such_struct", Access: "no_such_struct",
		Source: r.Relocations[5].Source, Guarded: true, Count: 1,
	}
	if diff := cmp.Diff(want, r.Relocations[5]); diff != "" || want.Source == "" {
		t.Errorf("relocation 5 (-want +got):\n%s", diff)
	}
	if r.Object != "types.el.bpf.o,enums.el.bpf.o" || r.Arch != "amd64" || r.Schema != btfgen.ReportSchema {
		t.Errorf("head of the report is %q %q %q", r.Object, r.Arch, r.Schema)
	}
	// The cut archive has struct request as a forward declaration only, so
	// the second of the two typedefs of tracepoints is absent.
	if got, want := r.Kernels[0].Results, "rrrrrarrararrrra"+"rrarraaar"; got != want {
		t.Errorf("results are %q, want %q", got, want)
	}
	if k := r.Kernels[1]; k.Error == "" || k.Results != "" {
		t.Errorf("a kernel that cannot be read is reported as %+v", k)
	}
}
