package compat

import (
	"testing"
)

func TestParseReport(t *testing.T) {
	const head = `{"schema":"rules_gadget.btfgen.report/v1","relocations":[{"id":0,"access":"a"},{"id":1}],"kernels":[`
	for _, tt := range []struct{ name, kernel, want string }{
		{"letters", `{"results":"rm"}`, "rm"},
		{"words", `{"results":["ambiguous","absent"]}`, "ma"},
		{"error", `{"error":"corrupt","results":""}`, ""},
	} {
		r, err := ParseReport([]byte(head + tt.kernel + "]}"))
		if err != nil || string(r.Kernels[0].Results) != tt.want {
			t.Errorf("%s: %v, %v", tt.name, r.Kernels, err)
		}
	}
	for _, bad := range []string{
		`{`, `{}`, `{"schema":"other/v1"}`, head + `{"results":"r"}]}`, head + `{"results":"rx"}]}`,
		head + `{"results":["resolved","perhaps"]}]}`, head + `{"results":7}]}`,
	} {
		if _, err := ParseReport([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	ordered := []string{
		"", "4.9", "4.19.0-1", "4.19.0-2", "4.19.0-10", "5.10.0-9", "5.10.0-30-cloud", "6.1", "6.1.0", "6.12.9+deb12",
		"6.12.43+deb12", "bullseye", "buster",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := Compare(a, b), i-j; got*want < 0 || (got == 0) != (want == 0) {
				t.Errorf("Compare(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(read(f, "demo.report.json"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if r, err := ParseReport(data); err == nil {
			Build(Input{Reports: []Report{r}})
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("6.1.0-9", "6.1.0-10")
	f.Fuzz(func(t *testing.T, a, b string) {
		if Compare(a, b) != -Compare(b, a) {
			t.Errorf("Compare(%q, %q) is not symmetric", a, b)
		}
	})
}
