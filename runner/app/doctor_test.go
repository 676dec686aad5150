package app

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/engine"
)

func TestPrintFindings(t *testing.T) {
	all := []finding{
		{name: "privilege", state: "yes"},
		{name: "fentry", state: "no", details: "a kernel of 5.5 or newer with its own BTF"},
		{name: "bpffs", state: "not mounted", details: "mount it"},
		{name: "store", state: "yes", details: "/a/very/long/path/of/the/store"},
	}
	for width, want := range map[int]string{
		0: `
privilege  yes
fentry     no           a kernel of 5.5 or newer with its own BTF
bpffs      not mounted  mount it
store      yes          /a/very/long/path/of/the/store
`,
		50: `
privilege  yes
fentry     no           a kernel of 5.5 or newer
                        with its own BTF
bpffs      not mounted  mount it
store      yes          /a/very/long/path/of/the/store
`,
	} {
		var out strings.Builder
		if err := printFindings(&out, all, width); err != nil {
			t.Fatal(err)
		}
		if out.String() != strings.TrimPrefix(want, "\n") {
			t.Errorf("width %d: got\n%s\nwant%s", width, out.String(), want)
		}
	}
}

func TestFindingOfFeature(t *testing.T) {
	for want, f := range map[finding]engine.Feature{
		{"bpffs", "yes", ""}:                        {Name: "bpffs", State: "yes", Hint: "mount it"},
		{"bpffs", "not mounted", "mount it"}:        {Name: "bpffs", State: "not mounted", Hint: "mount it"},
		{"BPF LSM", "unknown", "mount securityfs"}:  {Name: "BPF LSM", State: "unknown, mount securityfs", Hint: "x"},
		{"module BTF", "no", "2 broken: rebuild a"}: {Name: "module BTF", State: "no, 2 broken", Hint: "rebuild a"},
	} {
		if got := ofFeature(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
