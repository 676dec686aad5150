package engine

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
)

// Verified is what the verifier reports about a program that it accepted.
type Verified struct {
	Program      string // function name in the object
	Instructions int    // that the verifier walked, over all paths
	Stack        int    // bytes, of the program and the functions that it calls together
}

// statsSince is the first kernel that gives statistics without the whole log, 5.2.
const statsSince = 0x050200

// statistics is the log level that requests statistics, 0 where none exists.
func statistics(wanted bool) ebpf.LogLevel {
	if version, err := features.LinuxVersionCode(); !wanted || err != nil || version < statsSince {
		return 0
	}
	return ebpf.LogLevelStats
}

// Verified returns what the verifier reports about each program, in the order of
// the plan. It is empty without LoadOptions.Statistics.
func (l *Loaded) Verified() []Verified {
	var out []Verified
	for _, pr := range l.plan.Programs {
		prog := l.coll.Programs[pr.Name]
		if prog == nil {
			continue
		}
		if v, ok := parseVerified(prog.VerifierLog); ok {
			v.Program = pr.Name
			out = append(out, v)
		}
	}
	return out
}

// parseVerified reads the lines "stack depth 104+8" and "processed 33 insns
// (limit 1000000) ..." of a log.
func parseVerified(log string) (Verified, bool) {
	var v Verified
	found := false
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if depths, ok := strings.CutPrefix(line, "stack depth "); ok {
			depths, _, _ = strings.Cut(depths, " ")
			for depth := range strings.SplitSeq(depths, "+") {
				var n int
				if _, err := fmt.Sscan(depth, &n); err == nil {
					v.Stack += n
				}
			}
		}
		if _, err := fmt.Sscanf(line, "processed %d insns", &v.Instructions); err == nil {
			found = true
		}
	}
	return v, found
}
