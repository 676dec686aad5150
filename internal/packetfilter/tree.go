package packetfilter

// node is a part of an expression: a condition, or a number.
type node interface{}

// Conditions.
type (
	and struct{ a, b node }
	or  struct{ a, b node }
	not struct{ a node }
	// compare holds when the relation "==", "!=", ">", ">=", "<" or "<=" does.
	compare struct {
		op   string
		a, b node
	}
	// always holds.
	always struct{}
)

// Numbers, of 32 bits without sign.
type (
	number uint32
	// load is what size bytes of the packet say, in the order of the network.
	load struct {
		offset node
		size   int
	}
	// operation is the result of an operator.
	operation struct {
		op   string
		a, b node
	}
	// length is that of the packet.
	length struct{}
	// tag is the VLAN tag that the kernel keeps outside the packet: whether there is
	// one, or its value.
	tag struct{ value bool }
	// guarded is a number that only packets have for which a condition holds.
	guarded struct {
		node
		when node
	}
	// choice is 1 when a condition holds, else 0.
	choice struct{ node }
)

// isNumber reports whether n is a number.
func isNumber(n node) bool {
	switch n.(type) {
	case number, load, operation, length, tag, guarded, choice:
		return true
	}
	return false
}

// allOf returns the condition that every one of conditions holds.
func allOf(conditions ...node) node {
	out := conditions[0]
	for _, c := range conditions[1:] {
		out = and{out, c}
	}
	return out
}

// anyOf returns the condition that one of conditions holds.
func anyOf(conditions ...node) node {
	out := conditions[0]
	for _, c := range conditions[1:] {
		out = or{out, c}
	}
	return out
}

// plus returns a + b.
func plus(a, b node) node {
	x, okA := a.(number)
	y, okB := b.(number)
	switch {
	case okA && okB:
		return x + y
	case okA && x == 0:
		return b
	case okB && y == 0:
		return a
	}
	return operation{"+", a, b}
}

// masked returns the condition that a & mask is value.
func masked(a node, mask, value uint32) node {
	if mask != 1<<32-1 {
		a = operation{"&", a, number(mask)}
	}
	return compare{"==", a, number(value)}
}

func is(a node, value uint32) node { return compare{"==", a, number(value)} }
