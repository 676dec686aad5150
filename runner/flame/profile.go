// Package flame adds up stacks and writes them as folded text, as a profile for
// pprof and as a flame graph.
package flame

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxStacks is how many different stacks a profile keeps; those that come later
// are added up as one.
const maxStacks = 1 << 18

// otherStacks is the only frame of the stacks that a full profile did not keep.
const otherStacks = "[other stacks]"

// frameSeparator separates two frames of a key. Names have no NUL bytes.
const frameSeparator = "\x00"

// Profile is a sum of weighted stacks. The zero Profile is empty.
type Profile struct {
	// Room is how many more different stacks the profiles that share it keep, nil for
	// a profile with its own limit.
	Room *int

	stacks map[string]uint64
}

// Stack is one stack of a profile, the outermost frame first.
type Stack struct {
	Frames []string
	Weight uint64
}

// Add adds weight to a stack, the outermost frame first. A stack without frames
// is not counted.
func (p *Profile) Add(frames []string, weight uint64) {
	if len(frames) == 0 || weight == 0 {
		return
	}
	key := strings.Join(frames, frameSeparator)
	if _, seen := p.stacks[key]; !seen && !p.takeRoom() {
		key = otherStacks
	}
	if p.stacks == nil {
		p.stacks = map[string]uint64{}
	}
	p.stacks[key] += weight
}

// takeRoom reports whether one more different stack is kept.
func (p *Profile) takeRoom() bool {
	if p.Room == nil {
		return len(p.stacks) < maxStacks
	}
	if *p.Room == 0 {
		return false
	}
	*p.Room--
	return true
}

// Stacks returns every stack in the order of the names of its frames.
func (p *Profile) Stacks() []Stack {
	out := make([]Stack, 0, len(p.stacks))
	for _, key := range slices.Sorted(maps.Keys(p.stacks)) {
		out = append(out, Stack{strings.Split(key, frameSeparator), p.stacks[key]})
	}
	return out
}

// Folded appends a line for each stack: its frames with semicolons between them
// and its weight. A semicolon or a line break in a name becomes a colon or a space.
func (p *Profile) Folded(dst []byte) []byte {
	clean := strings.NewReplacer(";", ":", "\n", " ", "\r", " ")
	for _, s := range p.Stacks() {
		for i, name := range s.Frames {
			if i > 0 {
				dst = append(dst, ';')
			}
			dst = append(dst, clean.Replace(name)...)
		}
		dst = append(strconv.AppendUint(append(dst, ' '), s.Weight, 10), '\n')
	}
	return dst
}

// node is a function with those that it calls.
type node struct {
	name     string
	total    uint64
	children map[string]*node
}

// tree returns the stacks as one tree below a frame that all have.
func (p *Profile) tree() *node {
	root := &node{name: "all"}
	for key, weight := range p.stacks {
		at := root
		at.total += weight
		for name := range strings.SplitSeq(key, frameSeparator) {
			at = at.child(name)
			at.total += weight
		}
	}
	return root
}

func (n *node) child(name string) *node {
	if c := n.children[name]; c != nil {
		return c
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	c := &node{name: name}
	n.children[name] = c
	return c
}

// sorted returns the children by name, so that two graphs can be compared.
func (n *node) sorted() []*node {
	return slices.SortedFunc(maps.Values(n.children), func(a, b *node) int { return cmp.Compare(a.name, b.name) })
}
