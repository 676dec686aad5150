package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// kernelOption matches the name of an option with which a kernel is built.
var kernelOption = regexp.MustCompile(`\bCONFIG_[A-Z0-9_]+\b`)

// kindOptions returns the options of kernels that have programs of the kind of pr, in
// parentheses after a space, or "".
func kindOptions(pr gadgetapi.Program) string {
	if pr.Kind == nil {
		return ""
	}
	var names []string
	for _, n := range gadgetapi.Needs() {
		if slices.Contains(pr.Kind.Needs, n.Need) {
			names = append(names, kernelOption.FindAllString(n.Hint, -1)...)
		}
	}
	if names == nil {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// groupOptions are the options of kernels that have the tracepoints of a group. Raw
// tracepoints have no group, but names that mostly begin with it.
var groupOptions = map[string]string{
	"block":    "CONFIG_BLOCK",
	"cgroup":   "CONFIG_CGROUPS",
	"module":   "CONFIG_MODULES",
	"net":      "CONFIG_NET",
	"qdisc":    "CONFIG_NET_SCHED",
	"skb":      "CONFIG_NET",
	"sock":     "CONFIG_INET",
	"syscalls": "CONFIG_FTRACE_SYSCALLS",
	"tcp":      "CONFIG_INET",
	"udp":      "CONFIG_INET",
}

// tracepointOption returns what brings a tracepoint that is missing, after a comma, or "".
func tracepointOption(pr gadgetapi.Program) string {
	separator := ""
	switch kindOfSection(pr.Section) {
	case "tracepoint", "tp":
		separator = "/"
	case "raw_tracepoint", "raw_tp", "tp_btf":
		separator = "_"
	default:
		return ""
	}
	group, _, _ := strings.Cut(pr.AttachTo, separator)
	if groupOptions[group] == "" {
		return ", which needs a newer version"
	}
	return fmt.Sprintf(", which needs %s or a newer version", groupOptions[group])
}
