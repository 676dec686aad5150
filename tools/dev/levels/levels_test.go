package levels_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// levels are given by the build: "label,label=file", the lowest first; the file
// lists what the labels depend on.
var levels []string

var actions = flag.String("actions", "", "file that lists what the tools of build actions depend on")

func TestMain(m *testing.M) {
	flag.Func("level", "one level", func(s string) error { levels = append(levels, s); return nil })
	flag.Parse()
	if len(levels) == 0 {
		fmt.Fprintln(os.Stderr, "levels_test: needs the build graph, run ./bazelw test //tools/dev/levels:all")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// dependencies returns the labels of a query's output.
func dependencies(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Fields(string(data))
	if len(labels) == 0 {
		t.Fatalf("%s is empty: the query found nothing, so nothing is proven", file)
	}
	return labels
}

// internalPackage returns the package of a label of internal/, "" for others.
func internalPackage(label string) string {
	label = strings.TrimPrefix(label, "@@")
	if !strings.HasPrefix(label, "//internal/") {
		return ""
	}
	pkg, _, _ := strings.Cut(label, ":")
	return pkg
}

func TestImportsPointDownwards(t *testing.T) {
	level := map[string]int{}
	for i, l := range levels {
		packages, _, _ := strings.Cut(l, "=")
		for _, p := range strings.Split(packages, ",") {
			level[internalPackage(p)] = i
		}
	}
	for i, l := range levels {
		_, file, _ := strings.Cut(l, "=")
		for _, label := range dependencies(t, file) {
			pkg := internalPackage(label)
			if pkg == "" {
				continue
			}
			at, listed := level[pkg]
			switch {
			case !listed:
				t.Errorf("%s has no level, add it to tools/dev/levels/BUILD.bazel", pkg)
			case at > i:
				t.Errorf("level %d depends on %s, which is of level %d", i, pkg, at)
			}
		}
	}
}

func TestBuildActionsWithoutNetwork(t *testing.T) {
	for _, label := range dependencies(t, *actions) {
		if internalPackage(label) == "//internal/registry" || strings.Contains(label, "go_containerregistry//pkg/v1/remote") {
			t.Errorf("a build action depends on %s, which opens sockets", label)
		}
	}
}
