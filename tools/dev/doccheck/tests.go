package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// namedTests matches tests that a document names: a directory and, after it, the
// functions; one that ends with * matches several.
var namedTests = regexp.MustCompile("`([\\w./-]+)` ((?:(?:Test|Fuzz)\\w+\\*?(?:, )?)+)")

// checkTests reports the tests that a document names and that do not exist.
func checkTests(text string) []string {
	var out []string
	for i, line := range strings.Split(text, "\n") {
		for _, m := range namedTests.FindAllStringSubmatch(line, -1) {
			for name := range strings.SplitSeq(strings.TrimSuffix(m[2], ", "), ", ") {
				if !hasTest(m[1], name) {
					out = append(out, fmt.Sprintf("%d: the test %s is not in %q", i+1, name, m[1]))
				}
			}
		}
	}
	return out
}

// hasTest reports whether a file in dir has the function.
func hasTest(dir, name string) bool {
	function := "\nfunc " + name + "("
	if prefix, ok := strings.CutSuffix(name, "*"); ok {
		function = "\nfunc " + prefix
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), function) {
			return true
		}
	}
	return false
}
