package debian

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxFieldLine bounds one line of a package index; the longest real one (a Provides field) has some 60 kB.
const maxFieldLine = 4 << 20

// Package is one paragraph of a package index, as far as a lock file needs it.
type Package struct {
	Name     string
	Version  string
	Path     string     // relative to the mirror: "pool/main/..."
	Depends  [][]string // one list of alternatives for every dependency; Pre-Depends come first
	Provides []string
	Sum
}

// Index holds the packages of one suite and architecture.
type Index struct {
	packages map[string]*Package
	provided map[string][]*Package
}

// ParsePackages reads an uncompressed Packages file. Where it lists a package twice the first one counts.
func ParsePackages(r io.Reader) (*Index, error) {
	index := &Index{packages: map[string]*Package{}, provided: map[string][]*Package{}}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), maxFieldLine)
	fields := map[string]string{}
	for scanner.Scan() {
		line := scanner.Text()
		if line == "" {
			if err := index.add(fields); err != nil {
				return nil, err
			}
			fields = map[string]string{}
			continue
		}
		if name, value, found := strings.Cut(line, ":"); found && !strings.HasPrefix(line, " ") {
			fields[name] = strings.TrimSpace(value)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading a package index: %w", err)
	}
	err := index.add(fields)
	return index, err
}

// Package returns the package of that name, or nil.
func (x *Index) Package(name string) *Package { return x.packages[name] }

func (x *Index) add(fields map[string]string) error {
	if len(fields) == 0 {
		return nil
	}
	name := fields["Package"]
	size, err := strconv.ParseInt(fields["Size"], 10, 64)
	if name == "" || fields["Filename"] == "" || !sha256Pattern.MatchString(fields["SHA256"]) || err != nil {
		return fmt.Errorf("reading a package index: package %q lacks Package, Filename, Size or SHA256", name)
	}
	if x.packages[name] != nil {
		return nil
	}
	p := &Package{
		Name:    name,
		Version: fields["Version"],
		Path:    fields["Filename"],
		Depends: append(parseRelations(fields["Pre-Depends"]), parseRelations(fields["Depends"])...),
		Sum:     Sum{SHA256: fields["SHA256"], Size: size},
	}
	for _, alternatives := range parseRelations(fields["Provides"]) {
		p.Provides = append(p.Provides, alternatives[0])
		x.provided[alternatives[0]] = append(x.provided[alternatives[0]], p)
	}
	x.packages[name] = p
	return nil
}

// parseRelations reads a relation field (Debian policy, section 7.1), without its version restrictions: one suite has
// one version of each package, and its own packages fit together.
func parseRelations(field string) [][]string {
	var relations [][]string
	for _, clause := range strings.Split(field, ",") {
		var names []string
		for _, alternative := range strings.Split(clause, "|") {
			words := strings.Fields(alternative)
			if len(words) == 0 {
				continue
			}
			name, _, _ := strings.Cut(words[0], ":")
			name, _, _ = strings.Cut(name, "(")
			names = append(names, name)
		}
		if len(names) > 0 {
			relations = append(relations, names)
		}
	}
	return relations
}
