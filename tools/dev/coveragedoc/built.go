package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

// program is one program of a unit, and the row of its section.
type program struct{ name, section string }

// unit is something that is built from sources of this workspace: a gadget, or a
// fixture of tests.
type unit struct {
	name     string // of the gadget, or of the fixture's object
	gadget   bool
	programs []program
	has      map[group][]string // names of rows, but sections
}

// fixtureDirs are where objects of tests are, next to their sources.
var fixtureDirs = []string{"runner/gadgettest/fixtures", "runner/userprobe/testdata", "runner/sockets/program"}

// readBuilt returns the gadgets and fixtures of a workspace.
func readBuilt(tree fs.FS) ([]unit, error) {
	header, err := fs.ReadFile(tree, "gadgets/include/gadget/types.h")
	if err != nil {
		return nil, err
	}
	names, err := gadgetresults.Gadgets(tree)
	if err != nil {
		return nil, err
	}
	var out []unit
	for _, name := range names {
		u, err := readGadget(tree, name, string(header))
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	for _, dir := range fixtureDirs {
		objects, err := fs.Glob(tree, dir+"/*.bpf.o")
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			u, err := readFixture(tree, object, string(header))
			if err != nil {
				return nil, err
			}
			out = append(out, u)
		}
	}
	return out, nil
}

// programPattern matches a section with the name of its function, after the
// macro that may declare it.
var programPattern = regexp.MustCompile(`SEC\("([^"]+)"\)\s*(?:\w+\s+)+(?:BPF_\w+\()?(\w+)`)

// readGadget reads a gadget of gadgets/, whose object is not committed.
func readGadget(tree fs.FS, name, header string) (unit, error) {
	u := unit{name: name, gadget: true}
	files, err := fs.Glob(tree, "gadgets/"+name+"/*.[ch]")
	if err != nil {
		return u, err
	}
	var text strings.Builder
	for _, file := range files {
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return u, err
		}
		text.Write(data)
	}
	for _, m := range programPattern.FindAllStringSubmatch(text.String(), -1) {
		if s := sectionOf(m[1]); s != "" {
			u.programs = append(u.programs, program{m[2], s})
		}
	}
	u.read(tree, text.String(), header, "gadgets/"+name+"/gadget.yaml")
	return u, nil
}

// readFixture reads an object of tests, with the source next to it.
func readFixture(tree fs.FS, object, header string) (unit, error) {
	base := strings.TrimSuffix(object, ".bpf.o")
	u := unit{name: path.Base(base)}
	data, err := fs.ReadFile(tree, object)
	if err != nil {
		return u, err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		return u, fmt.Errorf("reading %s: %w", object, err)
	}
	for name, p := range spec.Programs {
		if s := sectionOf(p.SectionName); s != "" {
			u.programs = append(u.programs, program{name, s})
		}
	}
	text, err := fs.ReadFile(tree, base+".bpf.c")
	if err != nil {
		return u, err
	}
	u.read(tree, string(text), header, base+".yaml")
	return u, nil
}

// read fills what the sources have, and the metadata where there are some.
func (u *unit) read(tree fs.FS, text, header, metadata string) {
	u.has = map[group][]string{types: typesIn(text, header)}
	for _, r := range rows() {
		if r.group == macros && regexp.MustCompile(`\b`+r.name+`\(`).MatchString(text) {
			u.has[macros] = append(u.has[macros], r.name)
		}
	}
	data, err := fs.ReadFile(tree, metadata)
	if err != nil {
		return // a fixture without metadata
	}
	md, _ := gadget.ParseMetadata(data, metadata, false)
	for _, source := range md.DataSources {
		for name := range source.Annotations {
			u.has[ofSources] = append(u.has[ofSources], name)
		}
		for _, f := range source.Fields {
			for name := range f.Annotations {
				u.has[ofFields] = append(u.has[ofFields], name)
			}
		}
	}
}

var word = regexp.MustCompile(`\bgadget_\w+`)

// typesIn returns the special types in a source, and those of which these are made.
func typesIn(text, header string) []string {
	var out []string
	queue := word.FindAllString(text, -1)
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if gadgetapi.SpecialNamed(name) == nil || slices.Contains(out, name) {
			continue
		}
		out = append(out, name)
		if _, body, ok := strings.Cut(header, " "+name+" {"); ok {
			body, _, _ = strings.Cut(body, "\n};")
			queue = append(queue, word.FindAllString(body, -1)...)
		}
	}
	return out
}

// hasRow reports whether a unit has a row.
func (u *unit) hasRow(r row) bool {
	if r.group != sections {
		return slices.Contains(u.has[r.group], r.name)
	}
	return slices.ContainsFunc(u.programs, func(p program) bool { return p.section == r.name })
}
