package debian

import (
	"slices"
	"strings"
)

// Packages returns all packages of the index, sorted by name.
func (x *Index) Packages() []*Package {
	all := make([]*Package, 0, len(x.packages))
	for _, p := range x.packages {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Package) int { return strings.Compare(a.Name, b.Name) })
	return all
}
