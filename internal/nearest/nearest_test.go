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

// TestClosest prefers a typing error to a name that has the word, and that to one
// which merely looks alike.
func TestClosest(t *testing.T) {
	names := []string{
		"all", "file", "k8s-namespace", "key", "proc.comm", "public-keys", "state", "verbose", "verify-image",
		"version",
	}
	for got, want := range map[string]string{
		"verify": "verify-image", "verify-images": "verify-image", "verfy": "", "versoin": "version",
		"image": "verify-image", "namespace": "k8s-namespace", "public": "public-keys", "comm": "proc.comm",
		"kye": "key", "State": "state", "stat": "state", "fiel": "file",
		// Half of the letters are others, or too few to say anything.
		"verbatim": "", "x": "", "8": "", "age": "", "elephant": "", "": "",
	} {
		if name, ok := nearest.Closest(got, names); name != want || ok != (want != "") {
			t.Errorf("%q: got %q, want %q", got, name, want)
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
	names := []string{"--file", "--timeout", "help", "-o", "--verify-image", "--k8s-podname", "--k8s-namespace"}
	for got, want := range map[string]string{
		"--tiemout": "--timeout", "--timout": "--timeout", "hlep": "help", "--failed": "", "--timeout": "",
		"--comm": "", "-x": "", "--": "",
		"--lile": "", "--verify": "--verify-image", "--image": "", "--k8s": "", "--verify-": "",
	} {
		if name, ok := nearest.Typo(got, names); name != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", got, name, want)
		}
	}
}
