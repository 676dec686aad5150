package debian

import (
	"fmt"
	"slices"
	"strings"
)

// Closure returns the named packages and all that they depend on, sorted by name. Of alternatives it takes one that is
// in the closure already, else the first that the suite has; of the providers of a virtual package, the first by name.
func (x *Index) Closure(names []string) ([]*Package, error) {
	chosen := map[string]*Package{}
	var queue []*Package
	take := func(p *Package) {
		if chosen[p.Name] == nil {
			chosen[p.Name] = p
			queue = append(queue, p)
		}
	}
	for _, name := range names {
		p := x.packages[name]
		if p == nil {
			return nil, fmt.Errorf("package %q is not in the suite", name)
		}
		take(p)
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, alternatives := range p.Depends {
			dependency := x.choose(alternatives, chosen)
			if dependency == nil {
				return nil, fmt.Errorf("package %q depends on %q, which is not in the suite", p.Name,
					strings.Join(alternatives, " | "))
			}
			take(dependency)
		}
	}
	closure := make([]*Package, 0, len(chosen))
	for _, p := range chosen {
		closure = append(closure, p)
	}
	slices.SortFunc(closure, func(a, b *Package) int { return strings.Compare(a.Name, b.Name) })
	return closure, nil
}

func (x *Index) choose(alternatives []string, chosen map[string]*Package) *Package {
	for _, name := range alternatives {
		if p := chosen[name]; p != nil {
			return p
		}
		for _, p := range x.provided[name] {
			if chosen[p.Name] != nil {
				return p
			}
		}
	}
	for _, name := range alternatives {
		if p := x.packages[name]; p != nil {
			return p
		}
		if providers := x.provided[name]; len(providers) > 0 {
			return slices.MinFunc(providers, func(a, b *Package) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	return nil
}
