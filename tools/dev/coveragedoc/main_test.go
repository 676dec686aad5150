package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

// TestEveryRowHasTest checks the tables of the code against the proofs, both ways.
func TestEveryRowHasTest(t *testing.T) {
	features := map[group]map[string]bool{}
	for _, r := range rows() {
		if features[r.group] == nil {
			features[r.group] = map[string]bool{}
		}
		features[r.group][r.name] = true
		switch proof := proofs[r.group][r.name]; {
		case r.group == sections: // by the fixtures
		case len(proof) == 0 && !r.foreign:
			t.Errorf("%s: %q has no test in proofs", r.group, r.name)
		case len(proof) > 0 && r.foreign:
			t.Errorf("%s: %q has a test, but only other runners act on it", r.group, r.name)
		}
	}
	for g, of := range proofs {
		for name := range of {
			if !features[g][name] {
				t.Errorf("%s: proofs has %q, which does not exist", g, name)
			}
		}
	}
}

// sample is a workspace with two tests, one kernel test and one skip.
func sample() *coverage {
	tree := fstest.MapFS{
		"runner/engine/x_test.go": {Data: []byte("package engine\nfunc TestReal(t *testing.T) { helper(t) }\n" +
			"func helper(t *testing.T) { gadgettest.NeedsKernel(t); t.Run(\"lost\", nil) }\nfunc TestPure(t *testing.T) {}\n")},
		"tools/kerneltest/tests/BUILD.bazel": {Data: []byte(`[gadgets_kernel_test(name = "kinds_" + k, run = "^TestReal$")` +
			` for k in ["5.10", "6.12"]]`)},
		".ci/expected_skips": {Data: []byte("# text\n//runner/engine:engine_test TestReal/l* # needs luck\n" +
			"//tools/kerneltest/tests:kinds_5.10 TestReal/fixed # needs 6.0\n")},
	}
	fixture := unit{name: "fixture", programs: []program{{"fixed", "tracepoint"}, {"lost", "kprobe"}}}
	ran, err := readMachines(tree, nil)
	if err != nil {
		panic(err)
	}
	ran.results = &gadgetresults.Results{Gadgets: map[string]map[string]gadgetresults.Result{"trace_x": {
		"amd64-5.10_btf": {Status: gadgetresults.Pass, Programs: map[string]gadgetresults.Usage{"on_x": {}}},
		"arm64-6.1_btf":  {Status: gadgetresults.Skip},
	}}}
	traced := unit{name: "trace_x", gadget: true, programs: []program{{"on_x", "tracepoint"}}}
	built := []unit{traced, fixture}
	return &coverage{built: built, machines: ran, tests: newTests(tree, built)}
}

func TestLines(t *testing.T) {
	fixtureTests["fixture"] = "runner/engine.TestReal"
	defer delete(fixtureTests, "fixture")
	c := sample()
	for _, tc := range []struct {
		r    row
		want string
	}{
		{
			row{group: sections, name: "tracepoint", kind: "tracepoint"},
			"| `tracepoint` | trace_x, fixture | yes | 5.10, 6.12 | `runner/engine.TestReal/fixed` |\n",
		},
		{
			row{group: sections, name: "kprobe", kind: "kprobe"},
			"| `kprobe` | fixture | no: needs luck | 5.10, 6.12 | `runner/engine.TestReal/lost` |\n",
		},
		{row{group: ofSources, name: "nothing", foreign: true}, "| `nothing` | – | – | – | of others |\n"},
	} {
		if got, err := c.line(tc.r); err != nil || got != tc.want {
			t.Errorf("%q: got %q, %v, want %q", tc.r.name, got, err, tc.want)
		}
	}
}

// TestRefuses holds the sentences for rows without proof and tests that do not exist.
func TestRefuses(t *testing.T) {
	c := sample()
	for _, r := range []row{{group: sections, name: "xdp*"}, {group: types, name: "gadget_new"}} {
		if _, err := c.line(r); err == nil || !strings.Contains(err.Error(), "has no test, name one") {
			t.Errorf("%q: got %v", r.name, err)
		}
	}
	for text, want := range map[string]string{
		"runner/engine.TestGone":      "runner/engine has no test TestGone",
		"runner/engine.TestReal/gone": `test TestReal has no case "gone"`,
		"TestReal":                    "is not of the format",
	} {
		if _, _, err := c.check([]string{text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if refs, here, err := c.check([]string{"runner/engine.TestPure"}); err != nil || here != "–" || len(refs) != 1 {
		t.Errorf("a test without a kernel: %v, %q, %v", refs, here, err)
	}
}

func TestTypesIn(t *testing.T) {
	header := "struct gadget_process {\n\tgadget_comm comm[16];\n\tstruct gadget_creds creds;\n};\n" +
		"struct gadget_creds {\n\tgadget_uid uid;\n};\n"
	got := strings.Join(typesIn("struct event { struct gadget_process proc; };", header), " ")
	if want := "gadget_process gadget_comm gadget_creds gadget_uid"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
