package debian

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// paragraph returns what an index says about a package; fields are further lines.
func paragraph(name string, fields ...string) string {
	lines := append([]string{
		"Package: " + name, "Version: 1.0-1", "Filename: pool/main/x/" + name + ".deb", "Size: 10", "SHA256: " + sumA,
		"Description: one line", " and another: with a colon",
	}, fields...)
	return strings.Join(lines, "\n") + "\n\n"
}

func parse(t testing.TB, text string) *Index {
	t.Helper()
	index, err := ParsePackages(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestParsePackages(t *testing.T) {
	index := parse(t, paragraph("clang", "Depends: libc6 (>= 2.36), libllvm (= 1:19) | libllvm-old:any",
		"Pre-Depends: dpkg",
		"Provides: c-compiler (= 19), clang-x"))
	want := &Package{
		Name: "clang", Version: "1.0-1", Path: "pool/main/x/clang.deb",
		Depends:  [][]string{{"dpkg"}, {"libc6"}, {"libllvm", "libllvm-old"}},
		Provides: []string{"c-compiler", "clang-x"},
		Sum:      Sum{SHA256: sumA, Size: 10},
	}
	if diff := cmp.Diff(want, index.Package("clang")); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
	if p := index.Package("gcc"); p != nil {
		t.Errorf("package of another name: %v", p)
	}
}

func TestParsePackagesErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no sum":    "Package: a\nFilename: a.deb\nSize: 1\n",
		"no size":   "Package: a\nFilename: a.deb\nSHA256: " + sumA + "\n",
		"no name":   "Filename: a.deb\nSize: 1\nSHA256: " + sumA + "\n",
		"long line": "Package: " + strings.Repeat("a", maxFieldLine+1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePackages(strings.NewReader(text)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestClosure(t *testing.T) {
	tests := map[string]struct {
		index, want string
		names       []string
	}{
		"chain": {
			paragraph("a", "Depends: b") + paragraph("b", "Depends: c") + paragraph("c") + paragraph("d"), "[a b c]",
			[]string{"a"},
		},
		"cycle": {paragraph("a", "Depends: b") + paragraph("b", "Depends: a"), "[a b]", []string{"a"}},
		"first alternative": {
			paragraph("a", "Depends: none | b | c") + paragraph("b") + paragraph("c"), "[a b]", []string{"a"},
		},
		"chosen before": {
			paragraph("a", "Depends: b | c") + paragraph("b") + paragraph("c"), "[a c]", []string{"c", "a"},
		},
		"virtual": {
			paragraph("a", "Depends: mta") + paragraph("z", "Provides: mta") + paragraph("y", "Provides: mta"), "[a y]",
			[]string{"a"},
		},
		"virtual, chosen before": {
			paragraph("a", "Depends: mta") + paragraph("z", "Provides: mta") + paragraph("y", "Provides: mta"), "[a z]",
			[]string{"z", "a"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			closure, err := parse(t, test.index).Closure(test.names)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range closure {
				names = append(names, p.Name)
			}
			if got := fmt.Sprint(names); got != test.want {
				t.Errorf("closure is %s, want %s", got, test.want)
			}
		})
	}
}

func TestClosureErrors(t *testing.T) {
	index := parse(t, paragraph("a", "Depends: b | c"))
	if _, err := index.Closure([]string{"x"}); err == nil || !strings.Contains(err.Error(), `"x" is not in the suite`) {
		t.Errorf("error %v for an unknown package", err)
	}
	if _, err := index.Closure([]string{"a"}); err == nil || !strings.Contains(err.Error(), `depends on "b | c"`) {
		t.Errorf("error %v for an unknown dependency", err)
	}
}

func FuzzParsePackages(f *testing.F) {
	f.Add(paragraph("a", "Depends: b | c (>= 1), d:any") + paragraph("b"))
	f.Fuzz(func(t *testing.T, text string) {
		index, err := ParsePackages(strings.NewReader(text))
		if err != nil {
			return
		}
		for name := range index.packages {
			_, _ = index.Closure([]string{name})
		}
	})
}
