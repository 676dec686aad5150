package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

const intro = `# Program types

<!-- Written by tools/dev/programtypesdoc from internal/gadgetapi. -->

The section of a program, ` + "`SEC(\"KIND/TARGET\")`" + `, says how it is attached. ` + "`programs.NAME.attachTo`" + ` of gadget.yaml
replaces the target. A section that ends its first part in ` + "`.s`" + ` is for programs that may sleep; one that begins with
` + "`?`" + ` is read as without it. A ` + "`*`" + ` below matches any ending.
`

const fallbacks = `
## Fallbacks

A program whose name is that of another one with the suffix ` + "`__fallback`" + ` takes its place where the kernel cannot attach that one, and is
left out elsewhere. gadget-run tries it with a program that does nothing, in the place that the section names. Both may
be in any section; the first must be in one that names a single place of the kernel: %s.

` + "```c\nSEC(\"fentry/vfs_open\")\nint BPF_PROG(on_open, struct path *path) { ... }\n\n" +
	"SEC(\"kprobe/vfs_open\")\nint BPF_KPROBE(on_open__fallback, struct path *path) { ... }\n```" + `
`

// render returns the page. A kind that is neither attached nor has a hint is an
// error.
func render(kinds []gadgetapi.Kind, needs []gadgetapi.NeedHint) ([]byte, error) {
	var attached, refused bytes.Buffer
	var tried []string
	for i := range kinds {
		k := &kinds[i]
		if k.Attachable() && k.InKernel() {
			tried = append(tried, "`"+k.Sections[0]+"`")
		}
		switch {
		case k.Attachable():
			fmt.Fprintf(&attached, "| %s | %s | %s | %s | %s | %s | %s |\n",
				cell(k.Name), sections(k), target(k), since(k), cell(joined(k.Needs)), strings.Join(k.Capabilities(), ", "),
				cell(k.How))
		case k.Hint != "":
			fmt.Fprintf(&refused, "| %s | %s | %s | %s |\n", cell(k.Name), sections(k), since(k), cell(k.Hint))
		default:
			return nil, fmt.Errorf("the attach kind %q is not attached and has no hint", k.Name)
		}
	}
	var page bytes.Buffer
	page.WriteString(intro)
	page.WriteString("\n## Attached\n\n| kind | sections | target | since Linux | needs | capabilities | attached " +
		"|\n|---|---|---|---|---|---|---|\n")
	page.Write(attached.Bytes())
	page.WriteString("\n## Refused\n\nA gadget with an enabled program of these kinds is refused before anything is " +
		"loaded.\n\n" +
		"| kind | sections | since Linux | instead |\n|---|---|---|---|\n")
	page.Write(refused.Bytes())
	fmt.Fprintf(&page, fallbacks, strings.Join(tried, ", "))
	page.WriteString("\n## What kinds need\n\n`gadget-run doctor` tries each kind with a program that does nothing.\n\n" +
		"![What gadget-run doctor says on a machine without kprobes](screens/doctor.svg)\n\n" +
		"| need | where it is missing |\n|---|---|\n")
	for _, n := range needs {
		fmt.Fprintf(&page, "| %s | %s |\n", cell(string(n.Need)), cell(n.Hint))
	}
	return page.Bytes(), nil
}

func sections(k *gadgetapi.Kind) string {
	return "`" + strings.Join(k.Sections, "`, `") + "`"
}

// target is what follows the slash of the section, or the macro that names it.
func target(k *gadgetapi.Kind) string {
	var parts []string
	if k.Target != "" {
		parts = append(parts, cell(k.Target))
	}
	if k.Macro != "" {
		parts = append(parts, "`"+k.Macro+"`")
	}
	return strings.Join(parts, ", ")
}

func since(k *gadgetapi.Kind) string { return k.Since().String() }

func joined(needs []gadgetapi.Need) string {
	out := make([]string, len(needs))
	for i, n := range needs {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// cell makes text fit for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
