package shard

import "github.com/rules-gadget/rules_gadget/internal/btfgen/core"

// Generate relocates the objects against each kernel of the shard and calls
// yield with the results, in the order of Kernels. Kernels that agree on every
// name that the relocations lead to share one Result, computed once.
func (f *File) Generate(objects []*core.Object, yield func(Kernel, *core.Result, error)) {
	memo := &branch{}
	for k, kernel := range f.kernels {
		leaf := memo.find(k)
		if leaf == nil {
			f.runs++
			ts := &types{f: f, kernel: k, run: f.runs}
			leaf = &outcome{}
			leaf.res, leaf.err = core.Relocate(objects, ts, kernel.BigEndian)
			if leaf.err == nil {
				leaf.big = kernel.BigEndian
				memo.insert(k, ts.asked, leaf)
			}
		}
		if leaf.err == nil && leaf.big != kernel.BigEndian {
			leaf = &outcome{}
			leaf.res, leaf.err = core.Relocate(objects, &types{f: f, kernel: k}, kernel.BigEndian)
		}
		yield(kernel, leaf.res, leaf.err)
	}
}

// Computed returns how many results Generate computed, as opposed to found.
func (f *File) Computed() int { return f.runs }

type outcome struct {
	res *core.Result
	err error
	big bool
}

// branch is a node of the tree of what computations have read. A computation
// is a function of the answers it gets, so the first question is always the
// same and the next one follows from the answers so far. A kernel whose
// answers lead to a leaf has that leaf's outcome.
type branch struct {
	group *group
	next  map[int]*branch // by the group's class
	leaf  *outcome
}

func (b *branch) find(kernel int) *outcome {
	for b != nil && b.leaf == nil {
		if b.group == nil {
			return nil
		}
		b = b.next[b.group.class[kernel]]
	}
	if b == nil {
		return nil
	}
	return b.leaf
}

// insert adds a computation. Should it contradict the tree, it is left out.
func (b *branch) insert(kernel int, asked []*group, leaf *outcome) {
	for _, g := range asked {
		if b.leaf != nil || b.group != nil && b.group != g {
			return
		}
		if b.group == nil {
			b.group, b.next = g, map[int]*branch{}
		}
		n := b.next[g.class[kernel]]
		if n == nil {
			n = &branch{}
			b.next[g.class[kernel]] = n
		}
		b = n
	}
	if b.group == nil {
		b.leaf = leaf
	}
}
