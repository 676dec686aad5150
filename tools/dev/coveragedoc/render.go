package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const intro = `# Coverage

<!-- Written by tools/dev/coveragedoc from the tables of the code, the sources of tests and gadgets/results.json. -->

Everything that the gadget API names: which gadgets and fixtures of this repository have it, where it ran, and the tests
that fail without it.

- **this kernel**: whether a test, or that of a gadget with it, runs on the machine of CI, whose kernel has no kprobes,
  modules or fentry; a skip that is not expected fails there. A ` + "`–`" + ` marks tests that need no kernel.
- **virtual machines**: the kernels of Debian in which a test, or that of a gadget with it, passed last; amd64 where
  nothing else is said.
- **of others**: ` + "`image build`" + ` takes the annotation, gadget-run has no use for it.

Sections that are refused are in [program types](program-types.md).
`

// coverage is what is known of the workspace.
type coverage struct {
	built    []unit
	machines *machines
	tests    *tests
}

// render returns the page, or an error that names the rows without a proof and the
// tests that do not exist.
func render(rows []row, c *coverage) ([]byte, error) {
	var page bytes.Buffer
	page.WriteString(intro)
	var errs []error
	for _, g := range groups {
		fmt.Fprintf(&page, "\n## %s\n\n| | in | this kernel | virtual machines | tests |\n|---|---|---|---|---|\n", g)
		for _, r := range rows {
			if r.group != g {
				continue
			}
			line, err := c.line(r)
			if err != nil {
				errs = append(errs, err)
			}
			page.WriteString(line)
		}
	}
	return page.Bytes(), errors.Join(errs...)
}

// line returns the line of a row.
func (c *coverage) line(r row) (string, error) {
	proof := c.proofOf(r)
	if len(proof) == 0 && !r.foreign {
		return "", fmt.Errorf("%s: %q has no test, name one in tools/dev/coveragedoc/proofs.go", r.group, r.name)
	}
	in, kernels := c.having(r)
	refs, here, err := c.check(proof)
	if err != nil {
		return "", fmt.Errorf("%s: %q: %w", r.group, r.name, err)
	}
	for _, ref := range refs {
		kernels = append(kernels, c.machines.ofTest(ref)...)
	}
	names := "`" + strings.Join(proof, "`, `") + "`"
	if r.foreign {
		here, kernels, names = "–", nil, "of others"
	} else if here != "yes" && r.group != sections {
		ran, err := c.ranHere(r)
		if err != nil {
			return "", err
		}
		if ran {
			here = "yes"
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", label(r), in, here, dash(c.machines.list(kernels)), names), nil
}

// check finds tests, and reports whether one of them runs in the kernel here: "yes",
// "no" with the reason, or "–" when none needs a kernel.
func (c *coverage) check(proof []string) (refs []reference, here string, err error) {
	here = "–"
	for _, text := range proof {
		ref, err := parseReference(text)
		if err != nil {
			return nil, "", err
		}
		inKernel, err := c.tests.find(ref)
		if err != nil {
			return nil, "", err
		}
		refs = append(refs, ref)
		if reason := c.machines.skipped(ref.target(), ref.full()); inKernel && here != "yes" {
			if here = "yes"; reason != "" {
				here = "no: " + reason
			}
		}
	}
	return refs, here, nil
}

// ranHere reports whether the tests of a gadget with a row run in the kernel here.
func (c *coverage) ranHere(r row) (bool, error) {
	for i := range c.built {
		u := &c.built[i]
		if !u.gadget || !u.hasRow(r) {
			continue
		}
		refs, err := c.tests.ofGadget(u.name, c.machines.names)
		if err != nil {
			return false, err
		}
		for _, ref := range refs {
			if c.machines.skipped(ref.target(), ref.full()) == "" {
				return true, nil
			}
		}
	}
	return false, nil
}

// label is the first cell of a row.
func label(r row) string {
	if r.group == sections && !strings.HasPrefix(r.name, r.kind) {
		return "`" + r.name + "` (" + r.kind + ")"
	}
	return "`" + r.name + "`"
}

// having returns what has a row, and the kernels on which gadgets with it ran.
func (c *coverage) having(r row) (in string, kernels []string) {
	const most = 3
	var names []string
	for i := range c.built {
		u := &c.built[i]
		if !u.hasRow(r) {
			continue
		}
		names = append(names, u.name)
		switch {
		case u.gadget && r.group == sections:
			for _, p := range u.programs {
				if p.section == r.name {
					kernels = append(kernels, c.machines.ofGadget(u.name, p.name)...)
				}
			}
		case u.gadget:
			kernels = append(kernels, c.machines.ofGadget(u.name, "")...)
		}
	}
	if len(names) > most {
		names = append(names[:most], "more")
	}
	return dash(strings.Join(names, ", ")), kernels
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// proofOf returns the tests of a row. Those of a section are the tests that run the
// fixtures with it.
func (c *coverage) proofOf(r row) []string {
	if r.group != sections {
		return proofs[r.group][r.name]
	}
	var out []string
	for _, u := range c.built {
		for _, p := range u.programs {
			if test := testOf(u, p); p.section == r.name && test != "" {
				out = append(out, test)
			}
		}
	}
	slices.Sort(out)
	return out
}

// testOf returns the test that runs a program of a fixture, "" for none.
func testOf(u unit, p program) string {
	switch test := fixtureTests[u.name]; {
	case u.gadget:
		return ""
	case fixtureTests[u.name+"/"+p.name] != "":
		return fixtureTests[u.name+"/"+p.name]
	case test != "":
		return test + "/" + p.name
	}
	return ""
}
