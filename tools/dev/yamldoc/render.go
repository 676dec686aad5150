package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/operator"
)

const intro = `# gadget.yaml and build.yaml

<!-- Written by tools/dev/yamldoc from the tables of internal/gadget and internal/gadgetapi. -->

` + "`gadget.yaml`" + ` says what a gadget is called, what its fields mean and how they are shown; it is the config of the artifact. ` +
	"`build.yaml`" + `
says how the gadget is built. Keys are read in any case. An unknown key or annotation is an error of the build with
its line and the nearest known name; ` + "`strict_metadata = False`" + ` makes warnings of those of gadget.yaml.

"Acts" names who acts on it: the build, the artifact's registry, ` + "`image inspect`" + `, ` + "`run`" + ` and the
[operators](#operators) of a run. "Others" is for runners and clients of others: it is checked and kept, and gadget-run
does nothing with it.

` + "```yaml" + `
name: trace open
description: Shows files that are opened
datasources:
  open:
    annotations:
      metrics.collect: true
    fields:
      fname:
        annotations:
          description: Path as the process gave it
          columns.width: 40
params:
  ebpf:
    failed:
      key: failed
      defaultValue: false
      description: Show failed calls only
` + "```" + `

## gadget.yaml
`

const buildIntro = `
## build.yaml

The file next to a gadget's program that sets how it is built. Without one, the defaults hold. ` + "`gadget_image`" + ` and
` + "`gadget-run image build`" + ` read the same file. Paths are relative to it, stay inside the gadget's directory, and are not links out of it.

` + "```yaml" + `
ebpfsource: src/trace.bpf.c
includes: [include]
cflags: ["-DNAME_LIMIT=128"]
archs: [amd64]
` + "```" + `
`

// render returns the page.
func render() []byte {
	var page bytes.Buffer
	page.WriteString(intro)
	for _, table := range gadget.MetadataKeys() {
		if table.Path != "" {
			fmt.Fprintf(&page, "\n### %s\n", table.Path)
		}
		keys(&page, table.Keys)
	}
	annotations(&page, "Annotations of data sources", gadgetapi.SourceAnnotations())
	fmt.Fprintf(&page, "\n`%sNAME: VARIABLE` adds the field `NAME` with the value of a variable of the runner's "+
		"environment.\n", gadgetapi.EnvFieldPrefix)
	annotations(&page, "Annotations of fields", gadgetapi.FieldAnnotations())
	page.WriteString("\nA name with a slash (`example.com/name`) is yours: it is kept and not judged, in data sources " +
		"as well. " +
		"`run --annotate` overrides the annotations\nof either kind.\n")
	templates(&page)
	specials(&page)
	operators(&page)
	runnerParams(&page)
	page.WriteString(buildIntro)
	keys(&page, gadget.BuildKeys())
	return page.Bytes()
}

// keys writes the table of a mapping.
func keys(w *bytes.Buffer, list []gadget.Key) {
	w.WriteString("\n| key | type | default | example | acts | meaning |\n|---|---|---|---|---|---|\n")
	for _, k := range list {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n",
			k.Name, k.Type, inCode(k.Default), inCode(k.Example), cmp.Or(k.By, "others"), cell(k.Doc))
	}
}

// annotations writes the table of one kind of annotations.
func annotations(w *bytes.Buffer, heading string, list []gadgetapi.Annotation) {
	fmt.Fprintf(w, "\n## %s\n\n| annotation | values | default | example | acts | meaning |\n|---|---|---|---|---|---|\n",
		heading)
	for _, a := range list {
		values := a.Values()
		if a.Name == gadgetapi.AnnotationTemplate {
			values = "a [template](#templates)"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n",
			a.Name, values, inCode(a.Default), inCode(a.Example), cmp.Or(a.By, "others"), cell(a.Doc))
	}
}

// templates writes which annotations each template sets.
func templates(w *bytes.Buffer) {
	w.WriteString("\n## Templates\n\n`template: NAME` gives a field these annotations; its own come over them.\n\n| " +
		"template | annotations |\n|---|---|\n")
	for _, name := range gadgetapi.Templates() {
		set := gadgetapi.Template(name)
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(set)) {
			parts = append(parts, fmt.Sprintf("`%s: %s`", key, set[key]))
		}
		fmt.Fprintf(w, "| `%s` | %s |\n", name, strings.Join(parts, ", "))
	}
}

// specials writes the types that add annotations and text fields by themselves.
func specials(w *bytes.Buffer) {
	w.WriteString("\n## Special types\n\nA field of such a type starts from the template, and a formatter puts a text " +
		"beside it: `x` beside `x_raw`, or the name that the\n" +
		"annotation gives.\n\n| type | in C | means | template | annotation of the text |\n|---|---|---|---|---|\n")
	for _, s := range gadgetapi.Specials() {
		target := ""
		if s.Sibling != nil {
			target = inCode(s.Sibling.Target)
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.C, cell(s.Doc), inCode(s.Template), target)
	}
}

// operators writes the stages of a run.
func operators(w *bytes.Buffer) {
	w.WriteString("\n## Operators\n\nThe stages of a run, in the order in which they work.\n\n| operator | stage | " +
		"takes | adds |\n|---|---|---|---|\n")
	for _, o := range operator.All() {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", o.Name, o.Stage, cell(o.Takes), cell(o.Adds))
	}
	w.WriteString("\nData sources that operators fill without a program:\n\n| data source | enabled by |\n|---|---|\n")
	for _, s := range gadgetapi.OperatorSources() {
		by := "`operator." + s.Operator + ".emitstats: true`"
		if s.Annotation != "" {
			by = "`annotations`: `" + s.Annotation + ": true`"
		}
		fmt.Fprintf(w, "| `%s` | %s |\n", s.Name, by)
	}
}

// runnerParams writes what paramDefaults may set in addition to the gadget's own.
func runnerParams(w *bytes.Buffer) {
	w.WriteString("\n## Parameters of the runner\n\nNames for `paramDefaults`, in addition to the gadget's own " +
		"`operator.oci.ebpf.KEY`, `operator.oci.wasm.KEY` and `custom.KEY`.\n\n" +
		"| name | flag of `run` | of one data source |\n|---|---|---|\n")
	for _, p := range gadgetapi.RunnerParams() {
		source := ""
		if p.BySource {
			source = "`" + p.Name + ".SOURCE`"
		}
		fmt.Fprintf(w, "| `%s` | `%s` | %s |\n", p.Name, p.Flag, source)
	}
}

// inCode sets a value in code, unless it has marks of its own or is a phrase.
func inCode(s string) string {
	if s == "" || strings.Contains(s, "`") || strings.Contains(s, " ") && !strings.ContainsAny(s, "[{:") &&
		len(strings.Fields(s)) > 2 {
		return cell(s)
	}
	return "`" + cell(s) + "`"
}

// cell makes text fit for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
