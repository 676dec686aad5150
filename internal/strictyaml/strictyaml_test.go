package strictyaml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/strictyaml"
)

type file struct {
	Version int      `yaml:"version"`
	Names   []string `yaml:"names"`
}

var limits = strictyaml.Limits{Bytes: 1 << 20, Elements: 3, Keys: 100}

// manyKeys would take minutes to compare with each other.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"known", "version: 1\nnames: [a, b, c]\n", ""},
		{"empty", "", "it is empty"},
		{"a comment", "# nothing\n", "it is empty"},
		{"unknown", "version: 1\nnam: []\n", "field nam not found"},
		{"twice", "version: 1\nversion: 2\n", `mapping key "version" already defined`},
		{"two documents", "version: 1\n---\nversion: 1\n", "it has more than one document"},
		{"a long list", "names: [a, b, c, d]\n", "line 1: a list has 4 elements, at most 3 are allowed"},
		{"many keys", manyKeys(80_000), "line 1: there are 80000 keys, at most 100 are allowed"},
		{"many keys below", "version: 1\nnames:\n- {" + strings.Repeat("a: 1, ", 101) + "}\n", "line 3: there are 101 keys"},
		{"aliases", "version: &one 1\nnames: [&a a, *a, *a]\n", ""},
		{"aliases without end", "names: &a [*a]\n", "cannot unmarshal"},
		{"deep", strings.Repeat("- ", 200_000), "depth"},
		{"large", strings.Repeat("#", 1<<20+1), "it has more than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f file
			err := strictyaml.Decode([]byte(tc.data), limits, &f)
			if tc.want == "" {
				if err != nil || f.Version != 1 || len(f.Names) != 3 {
					t.Errorf("%+v, %v", f, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	if err := strictyaml.Decode(nil, limits, &file{}); !errors.Is(err, strictyaml.ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("version: 1\nnames: [a]\n"))
	f.Add([]byte("a: &a {b: *a}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v file
		if err := strictyaml.Decode(data, limits, &v); err == nil && len(v.Names) > limits.Elements {
			t.Errorf("%d elements", len(v.Names))
		}
	})
}
