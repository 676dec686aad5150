package nearest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

func TestAdvice(t *testing.T) {
	many := make([]string, 0, 150)
	for i := range 150 {
		many = append(many, fmt.Sprintf("name%03d", i))
	}
	for _, tc := range []struct {
		name       string
		got        string
		candidates []string
		want       string
	}{
		{"a letter left out", "pod", []string{"zebra", "podName", "proc.comm", "pid"}, `did you mean "pid"?`},
		{"a letter changed", "proc.com", []string{"proc.comm", "proc.pid"}, `did you mean "proc.comm"?`},
		{"another case", "FNAME", []string{"fname", "mode"}, `did you mean "fname"?`},
		{"nothing close", "elephant", []string{"b", "a"}, "known are a, b"},
		{"nothing known", "x", nil, "none exists"},
		{"too many", "elephants all", many, "and 50 more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := nearest.Advice(tc.got, tc.candidates); !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAdviceAliases(t *testing.T) {
	candidates := []string{"fd", "proc.comm", "proc.pid"}
	for got, want := range map[string]string{
		"pidd":     `did you mean "pid"?`,
		"cmm":      `did you mean "comm"?`,
		"elephant": "known are fd, proc.comm, proc.pid",
	} {
		if advice := nearest.Advice(got, candidates, "pid", "comm", ""); advice != want {
			t.Errorf("%s: got %q, want %q", got, advice, want)
		}
	}
}

func TestAdviceKeepsInput(t *testing.T) {
	candidates := []string{"b", "a"}
	nearest.Advice("x", candidates)
	if candidates[0] != "b" {
		t.Errorf("the names were sorted in place: %v", candidates)
	}
}

func TestTypo(t *testing.T) {
	names := []string{"--file", "--timeout", "help", "-o"}
	for got, want := range map[string]string{
		"--tiemout": "--timeout", "--timout": "--timeout", "hlep": "help", "--failed": "", "--timeout": "",
		"--comm": "", "-x": "", "--": "",
		"--lile": "",
	} {
		if name, ok := nearest.Typo(got, names); name != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", got, name, want)
		}
	}
}
