package gadget_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// TestFieldsOfSpecialTypes distinguishes the fields that operators add from those that
// no operator adds.
func TestFieldsOfSpecialTypes(t *testing.T) {
	for field, exists := range map[string]bool{
		"proc": true, "proc.comm": true, "proc.creds.uid": true, "proc.creds.user": true, "proc.creds.group": false,
		"proc.pid":    false,
		"router.addr": true, "router.addr_raw": true, "router.version": true, "router.k8s.name": true, "router.port": false,
		"router.endpoint": false,
		"src.addr":        true, "src.proto": true, "src.port": true, "src.endpoint": true, "src.k8s.labels": true,
		"src.addr_raw.v4": false,
		"ustack.symbols":  true, "ustack.addresses": true, "ustack.stack_id": true, "ustack.names": false,
		"program": true, "program_raw.symbols": true, "program.symbols": false, "ustac": false,
		"kstack": true, "kstack_raw": true, "flags": true, "flags_raw": true,
		"k8s.podName": true, "runtime.containerName": true, "kubernetes.podName": false,
		"either": true, "either.number": true, "either.text": true, "either.other": false,
	} {
		yaml := fmt.Sprintf("datasources: {packets: {fields: {%s: {}}}}\n", field)
		got := validate(t, yaml, gadget.Validation{Object: object(t, "network")})
		if (len(got) == 0) != exists {
			t.Errorf("field %q: %v, want that it is there: %v", field, got, exists)
		}
	}
}

func TestDefaultsOfEveryType(t *testing.T) {
	for _, tc := range []struct{ param, value, want string }{
		{"targ_level", "5", ""},
		{"targ_level", "HIGH", "an unsigned integer of 32 bits"},
		{"targ_huge", "18446744073709551615", ""},
		{"targ_huge", "0xffffffffffffffff", ""},
		{"targ_huge", "18446744073709551616", "an unsigned integer of 64 bits"},
		{"targ_huge", "-1", "an unsigned integer of 64 bits"},
		{"targ_huge", "1.5", "an unsigned integer of 64 bits"},
		{"targ_letter", "-128", ""},
		{"targ_letter", "y", "a signed integer of 8 bits"},
		{"targ_ratio", "0.25", ""},
		{"targ_ratio", "half", "a number"},
		{"targ_address", "10.0.0.1", ""},
		{"targ_address", "fe80::1", ""},
		{"targ_address", "localhost", "an IP address"},
		{"targ_huge", "{{ .template }}", ""},
		{"targ_huge", "", ""},
	} {
		yaml := fmt.Sprintf("params: {ebpf: {%s: {defaultValue: %q}}}\n", tc.param, tc.value)
		got := strings.Join(validate(t, yaml, gadget.Validation{Object: object(t, "network")}), "\n")
		want := ""
		if tc.want != "" {
			want = fmt.Sprintf("gadget.yaml:1: defaultValue of param %q is %q, use %s", tc.param, tc.value, tc.want)
		}
		if got != want {
			t.Errorf("%s = %q:\n%s\nwant:\n%s", tc.param, tc.value, got, want)
		}
	}
}

func TestDefaultInPossibleValues(t *testing.T) {
	yaml := "params: {ebpf: {targ_level: {defaultValue: 1, possibleValues: [2]}}}\n"
	got := validate(t, yaml, gadget.Validation{Object: object(t, "network")})
	if len(got) != 1 || !strings.Contains(got[0], `is "1", use one of its possibleValues: 2`) {
		t.Errorf("problems: %v", got)
	}
}

func TestAnnotationValues(t *testing.T) {
	for _, tc := range []struct{ where, key, value, want string }{
		{"field", "columns.width", "12", ""},
		{"field", "columns.width", "wide", "a whole number"},
		{"field", "columns.width", "-1", "a whole number"},
		{"field", "columns.alignment", "center", "one of left, right"},
		{"field", "columns.ellipsis", "middle", ""},
		{"field", "columns.hidden", "yes", "true or false"},
		{"field", "columns.hidden", "{{ .hidden }}", ""},
		{"field", "template", "pid", ""},
		{"field", "template", "pdi", "one of bytes, comm"},
		{"field", "metrics.type", "histogram", ""},
		{"field", "metrics.type", "timer", "one of key, counter, gauge, histogram"},
		{"field", "flamegraph.level", "10", ""},
		{"source", "fetch-count", "0", ""},
		{"source", "fetch-count", "all", "a whole number"},
		{"source", "fetch-interval", "250ms", ""},
		{"source", "fetch-interval", "250", "a duration such as 500ms"},
		{"source", "logs.array-handling", "elements", ""},
		{"source", "logs.array-handling", "first", "one of array, elements"},
		{"source", "example.com/anything", "goes", ""},
		{"source", "METRICS.COLLECT", "true", ""},
		{"source", "columns.width", "12", "unknown annotation"},
	} {
		yaml := fmt.Sprintf("datasources: {packets: {annotations: {%s: %q}}}\n", tc.key, tc.value)
		if tc.where == "field" {
			yaml = fmt.Sprintf("datasources: {packets: {fields: {proc: {annotations: {%s: %q}}}}}\n", tc.key, tc.value)
		}
		got := strings.Join(validate(t, yaml, gadget.Validation{Object: object(t, "network")}), "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s %q = %q: %s, want %q", tc.where, tc.key, tc.value, got, tc.want)
		}
	}
}

func TestNearestNames(t *testing.T) {
	for key, want := range map[string]string{
		"descripton":  `did you mean "description"?`,
		"Datasorces":  `did you mean "datasources"?`,
		"ebpf_params": `did you mean "ebpfParams"?`,
		"q":           "known are annotations, datasources, description",
	} {
		_, problems := gadget.ParseMetadata([]byte(key+": {}\n"), "gadget.yaml", true)
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", key, err, want)
		}
	}
}
