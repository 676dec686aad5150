package app

import (
	"strings"
	"testing"
)

func TestPrintFindings(t *testing.T) {
	all := []finding{
		{name: "privilege", state: "yes"},
		{name: "fentry", state: "no", hint: "a kernel of 5.5 or newer with its own BTF"},
		{name: "bpffs", state: "not mounted", hint: "mount it"},
		{name: "store", state: "/a/very/long/path/of/the/store"},
	}
	for width, want := range map[int]string{
		0: `
privilege  yes
fentry     no           a kernel of 5.5 or newer with its own BTF
bpffs      not mounted  mount it
store      /a/very/long/path/of/the/store
`,
		50: `
privilege  yes
fentry     no           a kernel of 5.5 or newer
                        with its own BTF
bpffs      not mounted  mount it
store      /a/very/long/path/of/the/store
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
