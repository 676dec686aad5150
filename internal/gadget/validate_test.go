package gadget_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

const goodMetadata = `name: good
description: every kind of entry that is right
homepageURL: https://example.com
annotations:
  com.example.owner: me
datasources:
  open:
    annotations:
      cli.clear-screen-before: true
      example.com/mine: anything
      env.fields.where: HOST
      ebpf.rest.name: rest
    fields:
      timestamp:
        annotations: {template: timestamp}
      timestamp_raw: {annotations: {columns.hidden: true}}
      k8s.podName: {}
      runtime.containerName: {}
      error_raw: {annotations: {formatters.errno.target: problem}}
      problem: {}
      uid: {annotations: {uidgidresolver.target: who}}
      who: {}
      kind: {}
      in.a: {annotations: {columns.maxWidth: 12}}
      in.deep: {}
      rest: {}
      where: {}
      path: {annotations: {columns.alignment: left, columns.width: "{{.w}}"}}
  counters:
    fields: {id: {}, count: {annotations: {metrics.type: counter}}}
  tasks: {}
params:
  ebpf:
    targ_number: {key: number, defaultValue: -3}
    targ_byte: {key: byte, defaultValue: 0xff}
    targ_flag: {key: flag, defaultValue: true}
    targ_name: {key: name, defaultValue: abcdefg}
programs:
  enter: {attach_to: syscalls:sys_enter_open}
  profiler: {perf: {type: software, config: cpu_clock}, sampler: {frequency: 49}}
`

func validate(t *testing.T, yaml string, v gadget.Validation) []string {
	t.Helper()
	md, problems := gadget.ParseMetadata([]byte(yaml), "gadget.yaml", !v.Lenient)
	problems = append(problems, gadget.ValidateMetadata(md, v)...)
	out := []string{}
	for _, p := range problems {
		out = append(out, p.String())
	}
	return out
}

func TestValidateAccepts(t *testing.T) {
	if got := validate(t, goodMetadata, gadget.Validation{Object: object(t, "good")}); len(got) > 0 {
		t.Errorf("problems:\n%s", strings.Join(got, "\n"))
	}
}

func TestValidateAcceptsDefaultsOfEveryParameter(t *testing.T) {
	for _, name := range []string{
		"operator.oci.ebpf.targ_byte", "operator.oci.ebpf.map-fetch-interval", "map-fetch-count", "operator.sort.sort",
		"operator.filter.filter.open", "operator.localmanager.host", "operator.oci.validate-metadata",
		"operator.process.interval",
		"operator.oci.wasm.word", "custom.mode",
	} {
		yaml := fmt.Sprintf("operator: {process: {emitstats: true}}\nparams: {wasm: {word: {}}, custom: {mode: "+
			"{}}}\nparamDefaults: {%s: \"1\"}\n", name)
		if got := validate(t, yaml, gadget.Validation{Object: object(t, "good"), Wasm: true}); len(got) > 0 {
			t.Errorf("%s: %s", name, strings.Join(got, "\n"))
		}
	}
}

func TestValidateNamesLineAndHint(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"unknown key", "naem: x\n", `gadget.yaml:1: unknown key "naem" in gadget.yaml, did you mean "name"?`},
		{
			"unknown default", "paramDefaults:\n  operator.oci.ebpf.map-fetch-intervl: \"0\"\n",
			`gadget.yaml:2: paramDefaults has "operator.oci.ebpf.map-fetch-intervl", which is not a parameter, did you mean "operator.oci.ebpf.map-fetch-interval"?`,
		},
		{
			"unknown default of the runner", "paramDefaults:\n  operator.sort.srot: x\n",
			`gadget.yaml:2: paramDefaults has "operator.sort.srot", which is not a parameter, did you mean "operator.sort.sort"?`,
		},
		{
			"default of another type", "paramDefaults:\n  operator.oci.ebpf.targ_byte: \"256\"\n",
			`gadget.yaml:2: paramDefaults "operator.oci.ebpf.targ_byte": "256" is not an unsigned integer of 8 bits`,
		},
		{
			"unknown data source", "datasources:\n  opn: {}\n",
			`gadget.yaml:2: the object has no data source "opn", did you mean "open"?`,
		},
		{
			"unknown field", "datasources:\n  open:\n    fields:\n      pth: {}\n",
			`gadget.yaml:4: data source "open" has no field "pth", did you mean "path"?`,
		},
		{
			"field of another source", "datasources:\n  counters:\n    fields:\n      k8s.podName: {}\n",
			`gadget.yaml:4: data source "counters" has no field "k8s.podName", known are count, id`,
		},
		{
			"private field", "datasources:\n  open:\n    fields:\n      __private: {}\n",
			`gadget.yaml:4: field "__private" of data source "open" is private because of "__", remove it here or rename it in the struct`,
		},
		{
			"unknown annotation of a field", "datasources:\n  open:\n    fields:\n      path:\n        annotations:\n         " +
				" columns.with: 3\n",
			`gadget.yaml:6: field "path" of data source "open": unknown annotation "columns.with", did you mean "columns.width"?`,
		},
		{
			"unknown annotation of a source", "datasources:\n  open:\n    annotations:\n      fetch-intervall: 1s\n",
			`gadget.yaml:4: data source "open": unknown annotation "fetch-intervall", did you mean "fetch-interval"?`,
		},
		{
			"value of an annotation", "datasources:\n  open:\n    annotations:\n      fetch-interval: soon\n",
			`gadget.yaml:4: data source "open": annotation "fetch-interval" is "soon", use a duration such as 500ms`,
		},
		{
			"unknown param", "params:\n  ebpf:\n    targ_nmber: {}\n",
			`gadget.yaml:3: the object has no variable "targ_nmber" for this parameter, did you mean "targ_number"?`,
		},
		{
			"unmarked param", "params:\n  ebpf:\n    unmarked: {}\n",
			`gadget.yaml:3: variable "unmarked" is not marked as a parameter, add GADGET_PARAM(unmarked)`,
		},
		{
			"default of another type", "ebpfParams:\n  targ_number: {defaultValue: many}\n",
			`gadget.yaml:2: defaultValue of param "targ_number" is "many", use a signed integer of 32 bits`,
		},
		{
			"default out of range", "params: {ebpf: {targ_byte: {defaultValue: 256}}}\n",
			`gadget.yaml:1: defaultValue of param "targ_byte" is "256", use an unsigned integer of 8 bits`,
		},
		{
			"default of a bool", "params: {ebpf: {targ_flag: {defaultValue: maybe}}}\n",
			`gadget.yaml:1: defaultValue of param "targ_flag" is "maybe", use true or false`,
		},
		{
			"default too long", "params: {ebpf: {targ_name: {defaultValue: abcdefgh}}}\n",
			`gadget.yaml:1: defaultValue of param "targ_name" is "abcdefgh", use a text of at most 7 bytes`,
		},
		{
			"unknown program", "programs:\n  entr: {attach_to: x}\n",
			`gadget.yaml:2: the object has no program "entr", did you mean "enter"?`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := validate(t, tc.yaml, gadget.Validation{Object: object(t, "good")})
			if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			md, problems := gadget.ParseMetadata([]byte(tc.yaml), "gadget.yaml", false)
			problems = append(problems, gadget.ValidateMetadata(md, gadget.Validation{
				Object: object(t, "good"), Lenient: true,
			})...)
			if err := problems.Err(); err != nil || len(problems.Warnings()) != 1 {
				t.Errorf("lenient: error %v, warnings %v; want one warning", err, problems.Warnings())
			}
		})
	}
}

func TestValidateReportsObjectProblems(t *testing.T) {
	want := []string{
		`program.bpf.o: GADGET_PARAM(absent) marks a variable that does not exist or that no program reads, declare and use it`,
		`program.bpf.o: data source "c": struct "evnt" does not exist, did you mean "event"?`,
		`program.bpf.o: data source "f" reads map "nothing", which does not exist, known are events`,
		`program.bpf.o: data source "g" is filled by program "enter", which is in section "tracepoint/syscalls/sys_enter_openat", put it into "iter/..."`,
		`program.bpf.o: data source "h" is filled by program "nobody", which does not exist, known are enter`,
		`program.bpf.o: field "timestamp_raw" of data source "a" has type "gadget_timestmp", which no operator supports, did you mean "gadget_timestamp"?`,
		`program.bpf.o: field "timestamp_raw" of data source "b" has type "gadget_timestmp", which no operator supports, did you mean "gadget_timestamp"?`,
		`program.bpf.o: field "timestamp_raw" of data source "g" has type "gadget_timestmp", which no operator supports, did you mean "gadget_timestamp"?`,
		`program.bpf.o: field "timestamp_raw" of data source "h" has type "gadget_timestmp", which no operator supports, did you mean "gadget_timestamp"?`,
		`program.bpf.o: map "events" of data source "e" has a key that is not a struct, wrap it in one`,
		`program.bpf.o: program "nobody" is an iterator over map "nothing", but does not exist, known are enter`,
		`program.bpf.o: program "nobody" is an iterator over map "nothing", which does not exist, known are events`,
		`program.bpf.o: tracer map "events" is a Hash, use GADGET_TRACER_MAP, which makes a ring buffer`,
		`program.bpf.o: tracer map "evnts" does not exist, declare it with GADGET_TRACER_MAP; did you mean "events"?`,
		`program.bpf.o: variable "changeable" is a parameter, but not declared "const volatile"`,
		`program.bpf.o: variable "gadget_tracer_d___events" has 2 parts separated by "___", not 3; use the macros of gadget/macros.h`,
		`program.bpf.o: variable "listed" is a parameter, but no flag can set its type, use a variable of another type: a number, a bool, a char array or a gadget_l3endpoint_t`,
	}
	got := validate(t, "", gadget.Validation{Object: object(t, "bad")})
	sortStrings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestValidateAllowsWasmSources(t *testing.T) {
	yaml := "datasources: {made: {fields: {x: {}}}, open: {fields: {made: {}}}}\n"
	if got := validate(t, yaml, gadget.Validation{Object: object(t, "good"), Wasm: true}); len(got) > 0 {
		t.Errorf("with wasm: %v", got)
	}
	if got := validate(t, yaml, gadget.Validation{Object: object(t, "good")}); len(got) != 2 {
		t.Errorf("without wasm: %v, want two problems", got)
	}
}

func TestValidateOperatorSources(t *testing.T) {
	yaml := `annotations: {enable-containers-datasource: "true"}
operator: {process: {emitstats: true}, cgroup: {}, ebpf: {emitstats: true}}
datasources: {processes: {}, cgroups: {}, bpfstats: {}, containers: {}}
`
	if got := validate(t, yaml, gadget.Validation{Object: object(t, "good")}); len(got) > 0 {
		t.Errorf("problems: %v", got)
	}
}

// TestValidateOperatorFields has unknown fields of what operators fill reported, with and
// without an object.
func TestValidateOperatorFields(t *testing.T) {
	for _, object := range [][]byte{object(t, "good"), nil} {
		got := validate(t, `operator:
  process: {emitstats: true, fields: [comm, memoryRSS]}
datasources:
  processes:
    fields:
      comm: {}
      memoryRSS: {}
      memoryRSS_raw: {}
      runtime.containerName: {}
      memoryRRS: {}
      nice: {}
`, gadget.Validation{Object: object})
		want := []string{
			`gadget.yaml:10: data source "processes" has no field "memoryRRS", did you mean "memoryRSS"?`,
			`gadget.yaml:11: data source "processes" has no field "nice", known are comm, memoryRSS, memoryRSS_raw, mountnsid, pid`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
	got := validate(t, "operator: {process: {emitstats: true, fields: [com]}}\n", gadget.Validation{})
	if len(got) != 1 || !strings.HasPrefix(got[0], `gadget.yaml: operator.process: field "com" is unknown, `) {
		t.Errorf("problems: %q", got)
	}
	got = validate(t, "datasources: {counts: {}}\n", gadget.Validation{})
	if len(got) != 1 || !strings.HasPrefix(got[0], `gadget.yaml:1: the gadget has no data source "counts"`) {
		t.Errorf("problems: %q", got)
	}
}

func TestValidateWithoutProgram(t *testing.T) {
	got := validate(t, "params: {ebpf: {x: {}}}\nprograms: {y: {}}\n", gadget.Validation{})
	want := []string{
		`gadget.yaml:1: params.ebpf has "x", but the gadget has no program, remove it`,
		`gadget.yaml:2: programs has "y", but the gadget has no program, remove it`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestValidateRefusesOtherFiles(t *testing.T) {
	got := validate(t, "", gadget.Validation{Object: []byte("no ELF")})
	if len(got) != 1 || !strings.Contains(got[0], "not a valid ELF file") {
		t.Errorf("problems: %v", got)
	}
}
