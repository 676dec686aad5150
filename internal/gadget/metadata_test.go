package gadget_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

func TestParseMetadataReadsAllKeys(t *testing.T) {
	text := `NAME: all
DataSources:
  s:
    annotations: {description: d, CLI.Clear-Screen-Before: true}
    fields: {f: {annotations: {columns.maxWidth: 3}}}
params:
  ebpf:
    v: &param
      key: k
      alternativeKey: other
      defaultValue: 1
      description: d
      alias: a
      title: t
      isMandatory: true
      type: int
      valueHint: h
      tags: [x]
      possibleValues: [1, 2]
      annotations: {a: b}
  wasm: {w: *param}
  custom:
    c:
      description: d
      defaultValue: one
      patch: {operator: {process: {interval: 1s}}}
      values: {one: {patch: {}}, two: {description: second}}
programs:
  p: {attach_to: f, perf: {type: software, config: c, sampleType: raw}, sampler: {frequency: 49}}
operator: {process: {emitstats: true}}
paramDefaults: {operator.x: 1}
`
	md, problems := gadget.ParseMetadata([]byte(text), "gadget.yaml", true)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	param := gadget.Param{
		Key: "k", AlternativeKey: "other", DefaultValue: "1", Description: "d", Alias: "a", Title: "t", IsMandatory: true,
		Type: "int", ValueHint: "h", Tags: []string{"x"}, PossibleValues: []string{"1", "2"},
		Annotations: map[string]string{"a": "b"},
	}
	ignore := cmpopts.IgnoreUnexported(gadget.Param{}, gadget.Program{}, gadget.DataSource{}, gadget.Field{})
	for name, pair := range map[string][2]any{
		"name": {"all", md.Name},
		"sources": {map[string]*gadget.DataSource{"s": {
			Annotations: map[string]string{"description": "d", "cli.clear-screen-before": "true"},
			Fields:      map[string]*gadget.Field{"f": {Annotations: map[string]string{"columns.maxwidth": "3"}}},
		}}, md.DataSources},
		"ebpf": {map[string]*gadget.Param{"v": &param}, md.EBPFParams},
		"wasm": {map[string]*gadget.Param{"w": &param}, md.WasmParams},
		"programs": {map[string]*gadget.Program{"p": {
			AttachTo: "f", Perf: &gadget.PerfEvent{Type: "software", Config: "c", SampleType: "raw"}, Frequency: "49",
		}}, md.Programs},
		"defaults": {map[string]string{"operator.x": "1"}, md.ParamDefaults},
	} {
		if diff := cmp.Diff(pair[0], pair[1], ignore); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	custom := md.CustomParams["c"]
	if custom == nil || custom.DefaultValue != "one" || custom.Patch == nil || custom.Values["one"] == nil ||
		len(custom.Values) != 2 {
		t.Errorf("custom: %+v", custom)
	}
	if md.Operators["process"] == nil {
		t.Error("the operator's settings are gone")
	}
}

func TestParseMetadataRefusesWrongTypesInEitherMode(t *testing.T) {
	for text, want := range map[string]string{
		"name: [a]\n":                               "gadget.yaml:1: name is a list, want a string",
		"datasources: [a]\n":                        "gadget.yaml:1: datasources is a list, want a mapping",
		"datasources:\n  a: 3\n":                    `gadget.yaml:2: data source "a" is "3", want a mapping`,
		"params:\n  ebpf:\n    x: {tags: y}\n":      `gadget.yaml:3: tags of param "x" is "y", want a list of strings`,
		"params: {ebpf: {x: {isMandatory: maybe}}}": `gadget.yaml:1: isMandatory of param "x" is "maybe", want true or false`,
		"name: a\nname: b\n":                        `gadget.yaml:2: gadget.yaml has the key "name" twice, first in line 1`,
		"name: a\n\tb: c\n": "gadget.yaml:2: no valid YAML: found a tab character that violates " +
			"indentation",
		"? [a]\n: b\n": "gadget.yaml:1: a key of gadget.yaml is a list, want a string",
		strings.Repeat("#", gadget.MaxConfig+1) + "": "gadget.yaml: it has 1048577 bytes, the limit is 1048576",
	} {
		for _, strict := range []bool{true, false} {
			_, problems := gadget.ParseMetadata([]byte(text), "gadget.yaml", strict)
			if err := problems.Err(); err == nil || err.Error() != want {
				t.Errorf("strict %v: error %v\nwant %s", strict, err, want)
			}
		}
	}
}

func TestParseMetadataStopsAtAliasLoops(t *testing.T) {
	_, problems := gadget.ParseMetadata([]byte("params: &a\n  ebpf: *a\n"), "gadget.yaml", false)
	if len(problems) == 0 {
		t.Error("a params that contains itself has no problem")
	}
}
