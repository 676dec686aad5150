package compat

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/golden"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// demo is the matrix of the demo gadget, which needs everything.
func demo(t testing.TB) Matrix {
	t.Helper()
	obj, err := ReadObject("demo.bpf.o", read(t, "demo.bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseReport(read(t, "demo.report.json"))
	if err != nil {
		t.Fatal(err)
	}
	return Build(Input{Title: "demo", Objects: []Object{obj}, Reports: []Report{r}})
}

func TestDemoText(t *testing.T) {
	var got bytes.Buffer
	if err := WriteText(&got, demo(t)); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "demo.txt", got.Bytes())
}

func TestDemoPrograms(t *testing.T) {
	m := demo(t)
	// By group: first the 5.10 kernel, last the newest.
	want := map[string][2]Status{
		"plain": {Loads, Loads}, "guarded": {Loads, Loads}, "unguarded": {Misplaced, Misplaced}, "young": {TooOld, Loads},
		"entry": {NeedsBTF, NeedsBTF}, "iterator": {NeedsBTF, NeedsBTF}, "hook": {NeedsBTF, NeedsBTF},
		"traced": {TooOld, NeedsBTF},
	}
	first, last := m.Groups[0], m.Groups[len(m.Groups)-1]
	for i, p := range m.Programs {
		if got := [2]Status{first.Programs[i].Status, last.Programs[i].Status}; got != want[p.Name] {
			t.Errorf("program %s is %v, want %v", p.Name, got, want[p.Name])
		}
		for _, c := range []Cell{first.Programs[i], last.Programs[i]} {
			if !c.Status.Good() && (c.Cause == "" || c.Hint == "") {
				t.Errorf("program %s: %s lacks cause or hint", p.Name, c.Status)
			}
		}
	}
	if len(m.Programs) != len(want) {
		t.Errorf("%d programs, want %d", len(m.Programs), len(want))
	}
}

func TestHTMLSelfContained(t *testing.T) {
	m := demo(t)
	m.Title = `<script>alert("x")</script>`
	m.Broken = []Entry{{"debian/12/amd64/x", "xz: <data> is corrupt"}}
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := WriteHTML(w, m); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same matrix gives different pages")
	}
	page := a.String()
	for _, bad := range []string{
		"http://", "https://", "src=", "href=", "@import", "url(", `<script>alert`, "<data>",
		"&lt;button", "ZgotmplZ",
	} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, want := range []string{
		`class="cell too_old"`, `aria-label="unguarded: fails for a relocation"`, "Hint: ",
		"5.10.0-32-cloud-amd64", "could not be read",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestJSONSchema(t *testing.T) {
	data, err := json.Marshal(demo(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"schema":"rules_gadget.compat/v1"`, `"since":"6.1"`, `"status":"needs_btf"`,
		`"releases":["5.10.0-32-cloud-amd64"`,
	} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("JSON lacks %s", want)
		}
	}
}

func TestLint(t *testing.T) {
	problems, err := Lint(read(t, "demo.bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Programs...)
		if !strings.Contains(p.String(), "never loads on a kernel without BTF") {
			t.Errorf("finding %q does not say what is wrong", p)
		}
	}
	if diff := cmp.Diff([]string{"entry", "hook", "iterator", "traced"}, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if problems, err := Lint(nil); err != nil || problems != nil {
		t.Errorf("Lint of no program = %v, %v", problems, err)
	}
	if _, err := Lint([]byte("no ELF")); err == nil {
		t.Error("Lint accepts what is not an object")
	}
}

// TestLintOnce: programs with the same finding share a line, and one with a fallback
// has none.
func TestLintOnce(t *testing.T) {
	needs := []Need{{What: "helper x", Since: feature.Release{Major: 5, Minor: 15}, KernelBTF: true}}
	got := lint([]Program{
		{Name: "exit_open", Needs: needs},
		{Name: "hook", KernelBTF: "fentry"},
		{Name: "hook__fallback"},
		{Name: "exit_creat", Needs: needs},
		{Name: "plain"},
	})
	if len(got) != 1 || !strings.HasPrefix(got[0].String(), `programs "exit_open", "exit_creat": helper x works with types`) {
		t.Errorf("got %q", got)
	}
}

// TestFallbacksCount: a program whose fallback loads is not an obstacle, and neither is a
// fallback that is not needed.
func TestFallbacksCount(t *testing.T) {
	young := []Need{{What: "helper x", Since: feature.Release{Major: 6, Minor: 0}}}
	object := Object{Name: "o", Programs: []Program{
		{Name: "a", KernelBTF: "fentry"},
		{Name: "a__fallback", KernelBTF: "tp_btf"},
		{Name: "a__fallback__fallback"},
		{Name: "b"},
		{Name: "b__fallback", Needs: young},
		{Name: "c", KernelBTF: "lsm"},
		{Name: "c__fallback", Needs: young},
	}}
	m := Build(Input{Objects: []Object{object}, Reports: []Report{{
		Arch: "amd64", Object: "o", Kernels: kernels("11", "amd64", "", "5.10.0-1", "6.1.0-1"),
	}}})
	want := map[string]map[string]Status{
		"5.10.0-1": {"c": NeedsBTF, "c__fallback": TooOld, "b__fallback": Replaced},
		"6.1.0-1":  {"c": Replaced, "c__fallback": Loads, "b__fallback": Loads},
	}
	if len(m.Groups) != 2 {
		t.Fatalf("%d groups, want 2", len(m.Groups))
	}
	for _, g := range m.Groups {
		for i, p := range m.Programs {
			expected := want[g.Releases[0]][p.Name]
			switch p.Name {
			case "a", "a__fallback":
				expected = Replaced
			case "a__fallback__fallback", "b":
				expected = Loads
			}
			if got := g.Programs[i].Status; got != expected {
				t.Errorf("%s: %s is %q, want %q", g.Releases[0], p.Name, got, expected)
			}
		}
	}
	if old, young := m.Groups[0].Verdict(), m.Groups[1].Verdict(); old != "5 of 7 load" || young != "all load" {
		t.Errorf("verdicts %q and %q", old, young)
	}
}

// TestNeedsOfKinds holds what programs need against the table of attach kinds: how the
// runner attaches them decides.
func TestNeedsOfKinds(t *testing.T) {
	for _, k := range gadgetapi.Kinds() {
		if !k.Attachable() {
			continue
		}
		p := readProgram(&ebpf.ProgramSpec{
			Name: "p", SectionName: strings.TrimSuffix(k.Sections[0], "*") + "/x", Type: k.Program, AttachType: k.Attach,
		}, &ebpf.CollectionSpec{})
		newest := feature.Release{}
		for _, n := range p.Needs {
			if newest.Before(n.Since) {
				newest = n.Since
			}
		}
		if since := k.Since(); newest != since {
			t.Errorf("%s: it needs Linux %s, want %s", k.Name, newest, since)
		}
		if needs := slices.Contains(k.Needs, gadgetapi.NeedBTF); needs != (p.KernelBTF != "") {
			t.Errorf("%s: needs the kernel's BTF %q, the table says %t", k.Name, p.KernelBTF, needs)
		}
	}
}

// report makes a report of one program with the given results.
func report(arch string, kernels ...Kernel) Report {
	return Report{Arch: arch, Object: "o", Kernels: kernels, Relocations: []Relocation{
		{Program: "p", Kind: "field_exists", Type: "struct a", Access: "a.x", Guarded: true},
		{Program: "p", Kind: "field_byte_offset", Type: "struct a", Access: "a.y"},
	}}
}

func kernels(version, arch, results string, releases ...string) []Kernel {
	var out []Kernel
	for _, r := range releases {
		out = append(out, Kernel{Distro: "debian", Version: version, Arch: arch, Release: r, Results: letters(results)})
	}
	return out
}

func TestGrouping(t *testing.T) {
	var all []Kernel
	all = append(all, kernels("12", "amd64", "ar", "6.1.0-9", "6.1.0-10", "6.1.0-2")...)
	all = append(all, kernels("12", "amd64", "rr", "6.1.0-3")...)
	all = append(all, kernels("buster", "amd64", "ar", "4.19.0-1", "4.19.0-1")...)
	all = append(all, Kernel{Distro: "debian", Version: "12", Arch: "amd64", Release: "6.2", Error: "corrupt"})
	m := Build(Input{Objects: []Object{{Name: "o", Programs: []Program{{Name: "p"}}}}, Reports: []Report{
		report("amd64", all...), report("arm64", kernels("12", "arm64", "ma", "6.1.0-2")...),
	}})
	var got []string
	for _, g := range m.Groups {
		got = append(got, g.Version+" "+g.Arch+" "+strings.Join(g.Releases, " ")+": "+g.Verdict())
	}
	want := []string{
		"buster amd64 4.19.0-1: all load", // older, and the same kernel twice is one
		"12 amd64 6.1.0-2: all load",
		"12 amd64 6.1.0-3: all load",
		"12 amd64 6.1.0-9 6.1.0-10: all load",
		"12 arm64 6.1.0-2: none load",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if len(m.Relocations) != 2 {
		t.Errorf("%d rows of relocations, the archs must share them", len(m.Relocations))
	}
	if s := m.Summary(); s != (Summary{Kernels: 6, All: 5, None: 1, Broken: 1}) {
		t.Errorf("Summary = %+v", s)
	}
}

func TestBackportsUncertain(t *testing.T) {
	p := Program{Name: "p", Needs: []Need{{
		What: "helper bpf_x", Since: feature.Release{Major: 5, Minor: 8}, Guards: []string{"BPF_FUNC_x"},
	}}}
	for _, tt := range []struct {
		distro, release string
		asked           bool
		want            Status
	}{
		{"debian", "4.19.0-1", false, TooOld},
		{"debian", "4.19.0-1", true, Loads},
		{"debian", "5.8.0", false, Loads},
		{"rhel", "4.18.0-553.el8", false, Uncertain},
		{"debian", "garbage", false, Loads},
	} {
		k := Kernel{Distro: tt.distro, Release: tt.release}
		asked := map[string]bool{}
		if tt.asked {
			asked["BPF_FUNC_x"] = false
		}
		if got := programCell(p, k, Cell{}, asked).Status; got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

// A helper with types of the kernel, called after a test for a younger one that takes what it returns.
func TestTypedHelpers(t *testing.T) {
	var p Program
	for _, f := range []asm.BuiltinFunc{asm.FnTaskPtRegs, asm.FnGetCurrentTaskBtf} {
		n, ok := helperNeed(f)
		if !ok || !n.KernelBTF {
			t.Fatalf("%v needs %+v, %t", f, n, ok)
		}
		p.Needs = append(p.Needs, n)
	}
	for _, tt := range []struct {
		release string
		asked   map[string]bool
		want    Status
	}{
		{"5.10.0", nil, TooOld},
		{"5.10.0", map[string]bool{"BPF_FUNC_task_pt_regs": false}, Loads},
		{"5.13.0", map[string]bool{"BPF_FUNC_task_pt_regs": false}, Loads},
		{"5.15.0", map[string]bool{"BPF_FUNC_task_pt_regs": true}, NeedsBTF},
		{"6.1.0", nil, NeedsBTF},
	} {
		if got := programCell(p, Kernel{Distro: "debian", Release: tt.release}, Cell{}, tt.asked); got.Status != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
	if n, _ := helperNeed(asm.FnRingbufReserve); n.KernelBTF {
		t.Error("ring buffers need BTF of the kernel")
	}
}
