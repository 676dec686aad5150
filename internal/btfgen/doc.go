// Package btfgen makes minimal BTF: for each kernel of a btfhub archive, the
// few types that the CO-RE relocations of some BPF objects touch. Kernels are
// imported once, shard by shard (Import), and gadgets are generated from the
// imported form as often as needed (Generate); GenerateArchives does both at
// once without keeping anything. A Report says what became of each relocation
// on each kernel.
package btfgen
