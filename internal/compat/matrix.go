package compat

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/feature"
)

// MatrixSchema names the form of a Matrix as JSON.
const MatrixSchema = "rules_gadget.compat/v1"

// Status is one cell of the matrix.
type Status string

// What a relocation can be on a kernel.
const (
	Resolved    Status = "resolved"  // found
	Guarded     Status = "guarded"   // missing, and the program checks before it uses it
	Absent      Status = "absent"    // not there, and the program counts on it
	Ambiguous   Status = "ambiguous" // several types fit differently
	Failed      Status = "error"     // could not be worked out
	NotInObject Status = "none"      // the object for this arch has no such relocation or program
)

// What a program can be on a kernel.
const (
	Loads     Status = "loads"      // no known obstacle
	NeedsBTF  Status = "needs_btf"  // only where the kernel has BTF of its own
	TooOld    Status = "too_old"    // the kernel lacks something
	Uncertain Status = "uncertain"  // the kernel's number is too low, but its maker backports
	Misplaced Status = "relocation" // a relocation is absent or ambiguous
	Replaced  Status = "replaced"   // another program takes its place: its fallback, or the one whose fallback it is
)

// Matrix is the compatibility of a gadget with kernels.
type Matrix struct {
	Schema      string  `json:"schema"`
	Title       string  `json:"title"`
	Source      string  `json:"feature_source"`
	Programs    []Row   `json:"programs"`
	Relocations []Row   `json:"relocations"`
	Groups      []Group `json:"groups"`
	Broken      []Entry `json:"unreadable,omitempty"` // kernels whose archive could not be read
}

// Row is a program or a relocation.
type Row struct {
	Name      string   `json:"name"`             // function, or access such as "task_struct.nsproxy"
	Detail    string   `json:"detail,omitempty"` // section, or kind of the relocation
	Programs  []string `json:"programs,omitempty"`
	Type      string   `json:"type,omitempty"`
	Source    string   `json:"source,omitempty"`
	Guarded   bool     `json:"guarded,omitempty"`
	Needs     []Need   `json:"needs,omitempty"`
	KernelBTF string   `json:"kernel_btf,omitempty"`
}

// Group is a range of neighbouring kernels that are equal for this gadget.
type Group struct {
	Distro      string   `json:"distro"`
	Version     string   `json:"version"`
	Arch        string   `json:"arch"`
	Releases    []string `json:"releases"` // oldest first
	Programs    []Cell   `json:"programs"`
	Relocations []Cell   `json:"relocations"`
}

// Cell is a status with its cause and hint.
type Cell struct {
	Status Status `json:"status"`
	Cause  string `json:"cause,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// Entry is a kernel whose archive could not be read.
type Entry struct {
	Kernel string `json:"kernel"`
	Error  string `json:"error"`
}

// Input is what a Matrix is made of.
type Input struct {
	Title   string
	Objects []Object // in any order, matched with reports by name
	Reports []Report
}

// builder collects a Matrix.
type builder struct {
	m       Matrix
	relocs  map[string]int // key of a relocation to its row
	progs   map[string]int // program to its row
	kernels []column
}

// column is one kernel before grouping.
type column struct {
	kernel   Kernel
	relocs   []Cell // as many as rows were known when it was made
	programs []Cell
}

// Build makes the matrix of a gadget.
func Build(in Input) Matrix {
	b := &builder{
		m:      Matrix{Schema: MatrixSchema, Title: in.Title, Source: feature.Origin},
		relocs: map[string]int{}, progs: map[string]int{},
	}
	reports := slices.Clone(in.Reports)
	slices.SortStableFunc(reports, func(a, b Report) int { return cmp.Compare(a.Arch, b.Arch) })
	for _, o := range in.Objects {
		b.addPrograms(o)
	}
	for _, r := range reports {
		b.addReport(r, objectsOf(r, in.Objects))
	}
	b.group()
	return b.m
}

// objectsOf returns the objects that a report is about: those whose base name
// it has, or all if it has none of them.
func objectsOf(r Report, objects []Object) []Object {
	var found []Object
	names := strings.Split(r.Object, ",")
	for _, o := range objects {
		if slices.Contains(names, o.Name[strings.LastIndexAny(o.Name, "/\\")+1:]) {
			found = append(found, o)
		}
	}
	if found == nil {
		return objects
	}
	return found
}

// addPrograms adds a row for each program that is new.
func (b *builder) addPrograms(o Object) {
	for _, p := range o.Programs {
		if _, ok := b.progs[p.Name]; ok {
			continue
		}
		b.progs[p.Name] = len(b.m.Programs)
		b.m.Programs = append(b.m.Programs, Row{Name: p.Name, Detail: p.Section, Needs: p.Needs, KernelBTF: p.KernelBTF})
	}
}

// row returns the row of a relocation, a new one if need be. Objects of
// several archs share rows.
func (b *builder) row(r Relocation) int {
	key := strings.Join([]string{r.Program, r.Kind, r.Type, r.Access}, "\x00")
	i, ok := b.relocs[key]
	if !ok {
		i = len(b.m.Relocations)
		b.relocs[key] = i
		b.m.Relocations = append(b.m.Relocations, Row{
			Name: r.Access, Detail: r.Kind, Type: r.Type, Source: r.Source, Guarded: r.Guarded, Programs: programsOf(r),
		})
	}
	return i
}

func programsOf(r Relocation) []string {
	if len(r.Programs) > 0 {
		return r.Programs
	}
	return []string{r.Program}
}

// addReport adds a column for each kernel of a report.
func (b *builder) addReport(r Report, objects []Object) {
	rows := make([]int, len(r.Relocations))
	for i, rel := range r.Relocations {
		rows[i] = b.row(rel)
	}
	for _, k := range r.Kernels {
		if k.Error != "" {
			name := strings.Join([]string{k.Distro, k.Version, k.Arch, k.Release}, "/")
			b.m.Broken = append(b.m.Broken, Entry{name, k.Error})
			continue
		}
		c := column{kernel: k, relocs: make([]Cell, len(b.m.Relocations))}
		for i, row := range rows {
			c.relocs[row] = relocationCell(r.Relocations[i], k.Results[i])
		}
		c.programs = b.programCells(r, k, objects)
		b.kernels = append(b.kernels, c)
	}
}

// group sorts the kernels and joins neighbours that are equal.
func (b *builder) group() {
	oldest := b.oldest()
	slices.SortStableFunc(b.kernels, func(x, y column) int {
		a, c := x.kernel, y.kernel
		return cmp.Or(strings.Compare(a.Distro, c.Distro), Compare(oldest[a.directory()], oldest[c.directory()]),
			Compare(a.Version, c.Version), strings.Compare(a.Arch, c.Arch), Compare(a.Release, c.Release))
	})
	for _, c := range b.kernels {
		c.relocs = append(c.relocs, make([]Cell, len(b.m.Relocations)-len(c.relocs))...)
		fill(c.relocs)
		fill(c.programs)
		if n := len(b.m.Groups); n > 0 && joins(b.m.Groups[n-1], c) {
			g := &b.m.Groups[n-1]
			if g.Releases[len(g.Releases)-1] != c.kernel.Release {
				g.Releases = append(g.Releases, c.kernel.Release)
			}
			continue
		}
		b.m.Groups = append(b.m.Groups, Group{
			Distro: c.kernel.Distro, Version: c.kernel.Version, Arch: c.kernel.Arch,
			Releases: []string{c.kernel.Release}, Programs: c.programs, Relocations: c.relocs,
		})
	}
}

// directory names the distribution and version of a kernel.
func (k Kernel) directory() string { return k.Distro + "/" + k.Version }

// oldest returns the oldest release of each distribution version, by which
// versions are put in order: some are numbers and some are names.
func (b *builder) oldest() map[string]string {
	oldest := map[string]string{}
	for _, c := range b.kernels {
		f := c.kernel.directory()
		if r, ok := oldest[f]; !ok || Compare(c.kernel.Release, r) < 0 {
			oldest[f] = c.kernel.Release
		}
	}
	return oldest
}

// fill marks the cells that nothing was said about.
func fill(cells []Cell) {
	for i := range cells {
		if cells[i].Status == "" {
			cells[i].Status = NotInObject
		}
	}
}

// joins reports whether a kernel belongs to the group before it.
func joins(g Group, c column) bool {
	return g.Distro == c.kernel.Distro && g.Version == c.kernel.Version && g.Arch == c.kernel.Arch &&
		slices.Equal(g.Programs, c.programs) && slices.Equal(g.Relocations, c.relocs)
}

// Compare orders versions and releases as people do: runs of digits by their
// value, all else by character.
func Compare(a, b string) int {
	for a != "" && b != "" {
		x, y := run(a), run(b)
		a, b = a[len(x):], b[len(y):]
		if isDigit(x[0]) && isDigit(y[0]) {
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Compare(len(x), len(y)); c != 0 {
				return c
			}
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// run returns the first run of digits or of other characters.
func run(s string) string {
	end := strings.IndexFunc(s, func(c rune) bool { return isDigit(byte(c)) != isDigit(s[0]) || c > 0x7f })
	if end <= 0 {
		end = len(s)
	}
	return s[:end]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
