package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/compat"
	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

const kernelsHead = `
## Kernels

What the tests of each gadget said on real kernels in virtual machines, when they last ran there. A test does something
and asserts the values of the events that come, and that no others do. A cell has two signs where the kernel
with its own BTF and the same kernel without it differ, in this order; without it the BTF comes out of the artifact.

| sign | |
|---|---|
| ✓ | runs, all events asserted |
| ◐ | runs; some tests need what the kernel lacks, see below |
| – | cannot run; what it needs is below |
| ✗ | fails |
| · | was not run |
| * | an older version of the programs was run |

`

const verifierHead = `
## The verifier

What the kernel's verifier counts for the most expensive programs of each gadget, on the kernel where that is most.
The limits are 1,000,000 instructions, over all paths, and 512 bytes of stack.

| gadget | instructions | on | stack | on |
|---|---|---|---|---|
`

// kernelsPart writes what is known of gadgets on kernels.
func kernelsPart(page *bytes.Buffer, tree fs.FS, gadgets []string) error {
	results, err := gadgetresults.Load(tree)
	if err != nil {
		return err
	}
	page.WriteString(kernelsHead)
	columns := kernelColumns(results)
	page.WriteString("| gadget |")
	for _, kernel := range columns {
		fmt.Fprintf(page, " %s |", strings.Replace(kernel, "-", " ", 1))
	}
	page.WriteString("\n|---|" + strings.Repeat(":-:|", len(columns)) + "\n")
	for _, gadget := range gadgets {
		sources, err := gadgetresults.Sources(tree, gadget)
		if err != nil {
			return err
		}
		fmt.Fprintf(page, "| [%s](../gadgets/%[1]s/README.md) |", gadget)
		for _, kernel := range columns {
			machines := results.Gadgets[gadget]
			cell := sign(machines[kernel+"_btf"], sources)
			if without := sign(machines[kernel+"_nobtf"], sources); without != cell {
				cell += " " + without
			}
			fmt.Fprintf(page, " %s |", cell)
		}
		page.WriteString("\n")
	}
	releases(page, results)
	needs(page, results, gadgets)
	verifier(page, results, gadgets)
	return nil
}

// kernelColumns returns the kernels that something ran on, the oldest of each
// architecture first.
func kernelColumns(results *gadgetresults.Results) []string {
	seen := map[string]string{} // release by kernel
	for machine, release := range results.Releases {
		seen[machine[:strings.LastIndex(machine, "_")]] = release
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		if c := strings.Compare(a[:5], b[:5]); c != 0 { // amd64, arm64
			return c
		}
		return compat.Compare(seen[a], seen[b])
	})
}

// sign returns the sign for a result.
func sign(r gadgetresults.Result, sources string) string {
	s := "·"
	switch {
	case r.Status == gadgetresults.Pass && len(r.Needs) == 0:
		s = "✓"
	case r.Status == gadgetresults.Pass:
		s = "◐"
	case r.Status == gadgetresults.Skip:
		s = "–"
	case r.Status == gadgetresults.Fail:
		s = "✗"
	}
	if r.Sources != "" && r.Sources != sources {
		s += "*"
	}
	return s
}

// releases names the kernels in full.
func releases(page *bytes.Buffer, results *gadgetresults.Results) {
	names := map[string]bool{}
	for _, release := range results.Releases {
		names[release] = true
	}
	sorted := slices.SortedFunc(maps.Keys(names), compat.Compare)
	fmt.Fprintf(page, "\nThe kernels are Debian's: %s.\n", strings.Join(sorted, ", "))
}

// needs lists why something did not run.
func needs(page *bytes.Buffer, results *gadgetresults.Results, gadgets []string) {
	head := "\n| gadget | on | |\n|---|---|---|\n"
	for _, gadget := range gadgets {
		machines := map[string][]string{} // by reason
		for machine, r := range results.Gadgets[gadget] {
			for _, reason := range r.Needs {
				machines[reason] = append(machines[reason], machine)
			}
		}
		for _, reason := range slices.Sorted(maps.Keys(machines)) {
			where := places(machines[reason], results.Gadgets[gadget])
			fmt.Fprintf(page, "%s| %s | %s | %s |\n", head, gadget, where, strings.ReplaceAll(reason, "|", `\|`))
			head = ""
		}
	}
}

// places says in few words which machines of all are meant.
func places(machines []string, all map[string]gadgetresults.Result) string {
	without := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasSuffix(name, "_nobtf") })
	}
	names := slices.Collect(maps.Keys(all))
	switch {
	case len(machines) == len(names):
		return "all"
	case len(without(machines)) == len(machines) && len(machines) == len(without(names)):
		return "all without BTF"
	}
	slices.Sort(machines)
	for i, name := range machines {
		kernel, btf, _ := strings.Cut(strings.Replace(name, "-", " ", 1), "_")
		if machines[i] = kernel + " without BTF"; btf == "btf" {
			machines[i] = kernel
		}
	}
	return strings.Join(machines, ", ")
}

// peak is the highest count of a gadget's programs.
type peak struct {
	count            int
	program, machine string
}

// raise takes a count if it is higher.
func (p *peak) raise(count int, program, machine string) {
	if count > p.count {
		*p = peak{count, program, machine}
	}
}

// cells returns the two cells of a peak, in bold above half of the limit.
func (p peak) cells(limit int) string {
	if p.count == 0 {
		return "0 | all"
	}
	text := fmt.Sprintf("%s: %d (%.1f %%)", p.program, p.count, 100*float64(p.count)/float64(limit))
	if 2*p.count > limit {
		text = "**" + text + "**"
	}
	kernel, _, _ := strings.Cut(strings.Replace(p.machine, "-", " ", 1), "_")
	return text + " | " + kernel
}

// verifier writes how near the programs are to the limits of the verifier.
func verifier(page *bytes.Buffer, results *gadgetresults.Results, gadgets []string) {
	page.WriteString(verifierHead)
	var above []string
	for _, gadget := range gadgets {
		var instructions, stack peak
		half := map[string]bool{} // programs above half of a limit
		machines := results.Gadgets[gadget]
		for _, machine := range slices.Sorted(maps.Keys(machines)) {
			for _, program := range slices.Sorted(maps.Keys(machines[machine].Programs)) {
				use := machines[machine].Programs[program]
				instructions.raise(use.Instructions, program, machine)
				stack.raise(use.Stack, program, machine)
				if 2*use.Instructions > gadgetresults.MaxInstructions || 2*use.Stack > gadgetresults.MaxStack {
					half[program] = true
				}
			}
		}
		if instructions.count == 0 {
			continue // no programs, or none that ran
		}
		fmt.Fprintf(page, "| %s | %s | %s |\n", gadget,
			instructions.cells(gadgetresults.MaxInstructions), stack.cells(gadgetresults.MaxStack))
		if len(half) > 0 {
			above = append(above, fmt.Sprintf("%s (%s)", gadget, strings.Join(slices.Sorted(maps.Keys(half)), ", ")))
		}
	}
	if len(above) == 0 {
		above = []string{"none"}
	}
	fmt.Fprintf(page, "\nPrograms above half of a limit on some kernel: %s.\n", strings.Join(above, "; "))
}
