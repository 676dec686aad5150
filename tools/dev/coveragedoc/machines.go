package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bazelbuild/buildtools/build"

	"github.com/rules-gadget/rules_gadget/internal/compat"
	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

// The files that record what ran where.
const (
	gadgetTests = "gadgets/internal/tests"
	kindsBuild  = "tools/kerneltest/tests/BUILD.bazel"
	skipsFile   = ".ci/expected_skips"
)

// skipLine is a test that skips on the machine of a target, where any other skip
// is an error.
type skipLine struct{ target, test, reason string }

// machines records what ran in which kernel.
type machines struct {
	results *gadgetresults.Results
	kinds   map[*regexp.Regexp][]string // kernels on which tests of that name run
	skips   []skipLine
	release map[string]string // of a kernel, by its name
	names   []string          // of all gadgets
}

func readMachines(tree fs.FS, built []unit) (*machines, error) {
	results, err := gadgetresults.Load(tree)
	if err != nil {
		return nil, err
	}
	m := &machines{results: results, kinds: map[*regexp.Regexp][]string{}, release: map[string]string{}}
	for machine, release := range results.Releases {
		m.release[kernelOf(machine)] = release
	}
	for _, u := range built {
		if u.gadget {
			m.names = append(m.names, u.name)
		}
	}
	text, err := fs.ReadFile(tree, kindsBuild)
	if err != nil {
		return nil, err
	}
	file, err := build.ParseBuild(kindsBuild, text)
	if err != nil {
		return nil, err
	}
	build.Walk(file, func(e build.Expr, _ []build.Expr) {
		if c, ok := e.(*build.Comprehension); ok {
			err = m.addKinds(c)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := m.readSkips(tree); err != nil {
		return nil, err
	}
	return m, nil
}

// addKinds takes a list of gadgets_kernel_test, one for each kernel.
func (m *machines) addKinds(c *build.Comprehension) error {
	call, ok := c.Body.(*build.CallExpr)
	if !ok || len(c.Clauses) != 1 {
		return fmt.Errorf("%s: a list of something else than tests", kindsBuild)
	}
	run := (&build.Rule{Call: call}).AttrString("run")
	pattern, err := regexp.Compile(run)
	if run == "" || err != nil {
		return fmt.Errorf("%s: attribute run %q: %w", kindsBuild, run, err)
	}
	each, ok := c.Clauses[0].(*build.ForClause)
	if !ok {
		return fmt.Errorf("%s: a list without kernels", kindsBuild)
	}
	m.kinds[pattern] = build.Strings(each.X)
	return nil
}

func (m *machines) readSkips(tree fs.FS) error {
	data, err := fs.ReadFile(tree, skipsFile)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		what, reason, _ := strings.Cut(strings.TrimSpace(line), " # ")
		if target, test, ok := strings.Cut(what, " "); ok && strings.HasPrefix(target, "//") {
			m.skips = append(m.skips, skipLine{target, test, reason})
		}
	}
	return nil
}

// skipped returns why a test skips in a target, "" where it runs.
func (m *machines) skipped(target, test string) string {
	for _, s := range m.skips {
		if match(s.target, target) && (match(s.test, test) || match(s.test+"/*", test)) {
			return s.reason
		}
	}
	return ""
}

// match reports whether a pattern of .ci/expected_skips matches.
func match(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// ofTest returns the kernels of virtual machines in which a test runs.
func (m *machines) ofTest(r reference) []string {
	if r.dir == gadgetTests {
		return m.ofGadget(gadgetresults.Of(r.name, m.names), "")
	}
	var out []string
	for pattern, kernels := range m.kinds {
		for _, kernel := range kernels {
			target := "//" + path.Dir(kindsBuild) + ":kinds_" + kernel
			if r.dir == "runner/engine" && pattern.MatchString(r.name) && m.skipped(target, r.full()) == "" {
				out = append(out, "amd64-"+kernel)
			}
		}
	}
	return out
}

// ofGadget returns the kernels on which the tests of a gadget passed, and that took
// one of its programs where it is named.
func (m *machines) ofGadget(name, program string) []string {
	var out []string
	for machine, result := range m.results.Gadgets[name] {
		_, took := result.Programs[program]
		if result.Status == gadgetresults.Pass && (program == "" || took) {
			out = append(out, kernelOf(machine))
		}
	}
	return out
}

// kernelOf returns the kernel of a machine: "amd64-6.1" of "amd64-6.1_nobtf".
func kernelOf(machine string) string { return machine[:strings.LastIndex(machine, "_")] }

// list names kernels, the oldest of each architecture first.
func (m *machines) list(kernels []string) string {
	slices.SortFunc(kernels, func(a, b string) int {
		if c := strings.Compare(a[:5], b[:5]); c != 0 { // amd64, arm64
			return c
		}
		return compat.Compare(m.release[a], m.release[b])
	})
	var out []string
	for _, kernel := range slices.Compact(kernels) {
		arch, name, _ := strings.Cut(kernel, "-")
		if arch != "amd64" {
			name = arch + " " + name
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
