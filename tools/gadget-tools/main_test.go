package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gadget-tools": main, "index": main, "btfgen": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// TestHasEveryTool compares the tools with those that the rules expect here.
func TestHasEveryTool(t *testing.T) {
	text, err := os.ReadFile("../../toolchain/private/tools.bzl")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "ACTION_TOOLS = [\n")
	list, _, _ = strings.Cut(list, "]")
	var want []string
	for line := range strings.Lines(list) {
		want = append(want, strings.Trim(strings.TrimSpace(line), `",`))
	}
	if got := slices.Sorted(maps.Keys(mains)); !slices.Equal(got, want) {
		t.Errorf("the tools are %q, the rules expect %q", got, want)
	}
}
