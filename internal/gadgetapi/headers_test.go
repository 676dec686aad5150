package gadgetapi

import (
	"regexp"
	"slices"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/include"
)

// notForRunners are macros of the headers that mean nothing to a runner by
// themselves.
var notForRunners = []string{"GADGET_PF"}

// header returns a header that gadgets include.
func header(t *testing.T, name string) string {
	t.Helper()
	data, err := include.Files.ReadFile("gadget/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	typedefPattern = regexp.MustCompile(`(?m)^typedef [\w ]+ (gadget_\w+);`)
	structPattern  = regexp.MustCompile(`(?m)^(?:struct|union) (gadget_\w+) \{`)
	macroPattern   = regexp.MustCompile(`(?m)^#define (GADGET_\w+)\(`)
)

func names(re *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestEveryTypeDescribed holds types.h against the table, both ways.
func TestEveryTypeDescribed(t *testing.T) {
	text := header(t, "types.h")
	declared := append(names(typedefPattern, text), names(structPattern, text)...)
	if len(declared) < 30 {
		t.Fatalf("types.h declares %q, which cannot be all", declared)
	}
	for _, name := range declared {
		if SpecialNamed(name) == nil {
			t.Errorf("types.h declares %s, which Specials lacks", name)
		}
	}
	for _, s := range Specials() {
		if !slices.Contains(declared, s.Name) {
			t.Errorf("Specials has %s, which types.h lacks", s.Name)
		}
		if s.Doc == "" || s.C == "" {
			t.Errorf("%s lacks its documentation", s.Name)
		}
		if s.Sibling != nil && !slices.ContainsFunc(fieldAnnotations, func(a Annotation) bool {
			return a.Name == s.Sibling.Target
		}) {
			t.Errorf("%s: annotation %q is not known", s.Name, s.Sibling.Target)
		}
		if s.Template != "" && templates[s.Template] == nil {
			t.Errorf("%s: template %q does not exist", s.Name, s.Template)
		}
	}
}

// TestEveryMacroDescribed checks the macros against the table, both ways.
func TestEveryMacroDescribed(t *testing.T) {
	var declared, macros []string
	for _, name := range []string{"macros.h", "buffer.h", "packetfilter.h"} {
		declared = append(declared, names(macroPattern, header(t, name))...)
	}
	for _, d := range Declarations() {
		macros = append(macros, d.Macros...)
		if d.Doc == "" {
			t.Errorf("%s lacks its documentation", d.Prefix)
		}
		for _, m := range d.Macros {
			if !slices.Contains(declared, m) {
				t.Errorf("Declarations has %s, which the headers lack", m)
			}
		}
	}
	for _, name := range declared {
		if !slices.Contains(macros, name) && !slices.Contains(notForRunners, name) {
			t.Errorf("the headers have %s, which Declarations lacks", name)
		}
	}
}
