package consumer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// runnerOnly are Go modules that gadget-run alone needs.
var runnerOnly = []string{
	"grpc", "containerd_api", "ttrpc", "cri_api", "expr_lang", "netlink", "otlp", "wazero", "go_seccomp",
}

// steps are what a consumer builds, each with what may be fetched up to then.
var steps = []struct {
	target       string
	repositories int
	megabytes    int
	never        []string // parts of names of repositories that nothing of it needs
}{
	{"//hello:image", 33, 450, append([]string{"sigstore", "go_containerregistry", "docker_cli"}, runnerOnly...)},
	{"//hello:push", 38, 465, runnerOnly},
	{"//hello:run", 60, 590, nil},
}

// TestFetched looks at which repositories Bazel has fetched once it has analyzed each
// target, in an output base that was empty before.
func TestFetched(t *testing.T) {
	w := newWorkspace(t, "fetched", nil)
	for _, s := range steps {
		w.bazel(t, "build", "--nobuild", s.target)
		fetched, bytes := w.repositories(t)
		t.Logf("%s: %d repositories, %d MB: %s", s.target, len(fetched), bytes/1e6, largest(fetched))
		if len(fetched) > s.repositories || bytes > int64(s.megabytes)*1e6 {
			t.Errorf("%s needs %d repositories and %d MB, at most %d and %d are allowed: %s", s.target, len(fetched), bytes/1e6,
				s.repositories, s.megabytes, strings.Join(slices.Sorted(maps.Keys(fetched)), " "))
		}
		for name := range fetched {
			for _, part := range s.never {
				if strings.Contains(name, part) {
					t.Errorf("%s fetches %s, which it does not need", s.target, name)
				}
			}
		}
	}
}

// largest names what takes most.
func largest(sizes map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return int(sizes[b] - sizes[a]) })
	var parts []string
	for _, name := range names[:min(5, len(names))] {
		parts = append(parts, fmt.Sprintf("%s %d MB", name, sizes[name]/1e6))
	}
	return strings.Join(parts, ", ")
}
