package gadget_test

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

const customYAML = `name: x
shared: &shared {columns.width: 1}
dataSources:
  open:
    annotations: {fetch-count: 1}
    fields:
      a: {annotations: *shared}
      b: {annotations: *shared}
operator:
  process: {count: 1}
params:
  custom:
    mode:
      defaultValue: short
      values:
        short: {patch: {datasources: {open: {fields: {a: {annotations: {columns.width: 5}}}}}}}
        none: {}
        long: {patch: {datasources: {OPEN: {fields: {c: {annotations: {description: "it is {{call .getConfig \"name\"}} {{call .getParamValue \"operator.oci.ebpf.pid\"}}"}}}}}}}
    count:
      patch:
        operator: {process: {count: '{{call .getParamValue "custom.count"}}', more: [1, '{{ 2 }}']}}
        description: '{{if eq (call .getParamValue "custom.mode") "long"}}l{{else}}{{call .getConfig "datasources.open.annotations.fetch-count"}}: #{{end}}'
      defaultValue: 7
`

func customize(t *testing.T, text string, values map[string]string) (string, error) {
	t.Helper()
	md, problems := gadget.ParseMetadata([]byte(text), "gadget.yaml", false)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	out, err := md.Customize([]byte(text), func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	return string(out), err
}

func TestCustomize(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values map[string]string
		want   []string
		not    string
	}{
		{"defaults", nil, []string{
			"count: 7,", "more: [1, 2]", "columns.width: 5", "columns.width: 1", `description: '1: #'`,
		}, ""},
		{"a value", map[string]string{"custom.count": "9", "custom.mode": "none"}, []string{"count: 9,"}, "columns.width: 5"},
		{
			"another value",
			map[string]string{"custom.mode": "long", "operator.oci.ebpf.pid": "3"},
			[]string{"description: it is x 3", "description: l\n"},
			"columns.width: 5",
		},
	} {
		got, err := customize(t, customYAML, tc.values)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		before, _, _ := strings.Cut(got, "params:")
		head := before + got[strings.LastIndex(got, "description:"):]
		for _, want := range tc.want {
			if !strings.Contains(head, want) {
				t.Errorf("%s: want %q in:\n%s", tc.name, want, got)
			}
		}
		if tc.not != "" && strings.Contains(before, tc.not) {
			t.Errorf("%s: there is %q in:\n%s", tc.name, tc.not, got)
		}
		if _, problems := gadget.ParseMetadata([]byte(got), "gadget.yaml", false); problems.Err() != nil {
			t.Errorf("%s: %v", tc.name, problems)
		}
	}
	if got, err := customize(t, "name: x # as it is\n", nil); err != nil || got != "name: x # as it is\n" {
		t.Errorf("without custom parameters: got %q, %v", got, err)
	}
}

func TestCustomizeRefuses(t *testing.T) {
	for patch, want := range map[string]string{
		`{a: '{{range 9}}{{end}}'}`: "cannot use " +
			"range or template",
		`{a: '{{if true}}{{with 1}}{{range 9}}{{end}}{{end}}{{end}}'}`: "cannot use " +
			"range or template",
		`{a: '{{define "t"}}x{{end}}{{template "t"}}'}`: "cannot use " +
			"range or template",
		`{a: '{{printf "%99999d" 1}}'}`:   "printf in a template takes widths of up to 999",
		`{a: '{{printf "%*d" 99999 1}}'}`: "printf in a template takes no width from an argument",
		`{a: '{{printf "` + strings.Repeat("%999d", 99) + `"` + strings.Repeat(" 1", 99) +
			`}}'}`: "a function of a template makes more than 65536 bytes",
		`{a: '{{printf "` + strings.Repeat("%9d", 9000) +
			`" 1}}'}`: "a function of a template makes more than 65536 bytes",
		`{a: '{{if printf "%[1]s%[1]s" "aaaa"` + strings.Repeat(` | printf "%[1]s%[1]s"`, 40) +
			`}}{{end}}'}`: "a function of a template makes more than 65536 bytes",
		`{a: '{{if js "\\"` + strings.Repeat(` | js`, 40) +
			`}}{{end}}'}`: "a function of a template makes more than 65536 bytes",
		`{a: '` + strings.Repeat("{{print 12345678}}", 9000) +
			`'}`: "it makes more than 65536 bytes",
		`{a: '{{nothing}}'}`:     `function "nothing" not defined`,
		`{params: {custom: {}}}`: "cannot change params",
		`[a]`:                    "is not a mapping",
	} {
		if out, err := customize(t, "params: {custom: {p: {patch: "+patch+"}}}\n", nil); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %q", patch, out, err, want)
		}
	}
	_, err := customize(t, customYAML, map[string]string{"custom.mode": "wide"})
	if want := `param "mode": "wide" is not one of long, none, short`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzCustomize(f *testing.F) {
	f.Add(customYAML, "5")
	f.Add("a: &a {b: 1}\nparams: {custom: {p: {patch: {c: *a, a: {b: '{{1}}'}}}}}", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		md, problems := gadget.ParseMetadata([]byte(text), "gadget.yaml", false)
		if problems.Err() != nil {
			return
		}
		_, _ = md.Customize([]byte(text), func(string) (string, bool) { return value, value != "" })
	})
}
