// Package packetfilter compiles expressions in the language of pcap-filter(7) to
// the body of an eBPF function. It resolves nothing: addresses and numbers are taken as
// they are written, and names of ports from the table of this machine.
//
// A packet begins with an Ethernet header. As with libpcap, "and" and "or" have the
// same precedence and group from the left, and a filter that reads beyond the end
// of a packet does not match it.
package packetfilter

// The limits of an expression.
const (
	maxText   = 4096 // bytes
	maxDepth  = 64   // of parentheses and negations, and of arithmetic
	maxLength = 8192 // instructions
)
