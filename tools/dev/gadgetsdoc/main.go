// Command gadgetsdoc writes docs/gadgets.md, the gadgets of this repository, from
// what each gadget.yaml says of itself and what the tests said on real kernels. With --check it only compares.
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

const head = `# Gadgets

<!-- Written by tools/dev/gadgetsdoc from gadgets/*/gadget.yaml and gadgets/results.json. -->

The gadgets of this repository. Each page has an example, the fields and parameters, and what the gadget does not see.
With each change their tests run in virtual machines of Linux 6.12 on amd64 and Linux 6.1 on arm64; ` + "`bazel test //gadgets:matrix`" + ` runs
them on every kernel of the matrix.

| gadget | | data sources |
|---|---|---|
`

func main() {
	docpage.Main("gadgetsdoc", "gadgets.md", func(root string) ([]byte, error) { return render(os.DirFS(root)) })
}

// parts are what the page of a gadget must have, by what an error calls them.
var parts = map[string]*regexp.Regexp{
	"an example of its output":    regexp.MustCompile("(?m)^```console\n\\$ gadget-run run REGISTRY/gadgets/\\w+:v1.*\n[^`]"),
	"what it does not see":        regexp.MustCompile(`(?i)\bnot (be )?(see|seen|shown|counted)\b`),
	`a section "## Requirements"`: regexp.MustCompile(`(?m)^## Requirements\n\n\S`),
}

// checkReadme returns an error where the page of a gadget lacks a part.
func checkReadme(tree fs.FS, dir string) error {
	readme, err := fs.ReadFile(tree, dir+"/README.md")
	if err != nil {
		return err
	}
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		if !parts[part].Match(readme) {
			return fmt.Errorf("%s/README.md: it does not have %s", dir, part)
		}
	}
	return nil
}

// render returns the page for the gadgets below gadgets/ in tree.
func render(tree fs.FS) ([]byte, error) {
	files, err := fs.Glob(tree, "gadgets/*/gadget.yaml")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	var names []string
	page.WriteString(head)
	for _, file := range files { // sorted
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		md, problems := gadget.ParseMetadata(data, file, false)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		dir := path.Dir(file)
		if err := checkReadme(tree, dir); err != nil {
			return nil, err
		}
		if md.Description == "" {
			return nil, fmt.Errorf("%s: it has no description", file)
		}
		names = append(names, path.Base(dir))
		var sources []string
		for _, name := range slices.Sorted(maps.Keys(md.DataSources)) {
			sources = append(sources, "`"+name+"`")
		}
		fmt.Fprintf(&page, "| [%s](../%s/README.md) | %s | %s |\n", path.Base(dir), dir, md.Description,
			strings.Join(sources, ", "))
	}
	err = kernelsPart(&page, tree, names)
	return page.Bytes(), err
}
