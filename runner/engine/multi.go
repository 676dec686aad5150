package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/userprobe"
	"github.com/rules-gadget/rules_gadget/runner/wildcard"
)

// multiFeatures test whether the kernel attaches programs of a kind to many
// functions at once.
var multiFeatures = map[string]func() error{
	gadgetapi.KindKprobeMulti: features.HaveBPFLinkKprobeMulti,
	gadgetapi.KindUprobeMulti: features.HaveBPFLinkUprobeMulti,
}

// singleProbes prepares programs for many functions for a kernel that attaches to
// one at a time: there they are loaded as those for one function are.
func (l *Loaded) singleProbes(spec *ebpf.CollectionSpec) {
	for _, pr := range l.plan.Programs {
		if pr.Disabled || pr.Kind == nil || multiFeatures[pr.Kind.Name] == nil || spec.Programs[pr.Name] == nil {
			continue
		}
		if errors.Is(multiFeatures[pr.Kind.Name](), ebpf.ErrNotSupported) {
			spec.Programs[pr.Name].AttachType = ebpf.AttachNone
			l.single[pr.Name] = true
			l.detail("program %q is attached to one function after the other, this kernel has no %s", pr.Name, pr.Kind.Name)
		}
	}
}

// attachKprobeMulti attaches to every function of the kernel that a list names.
func attachKprobeMulti(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	names, cookies, err := listedTargets(pr.AttachTo, kernelFunctions)
	if err != nil {
		return nil, err
	}
	section := kindOfSection(pr.Section)
	returns := strings.HasPrefix(section, "kret")
	if l.single[pr.Name] {
		return attachOneByOne(names, cookies, prog, returns)
	}
	opts := link.KprobeMultiOptions{Symbols: names, Cookies: cookies, Session: section == "kprobe.session"}
	if returns {
		return link.KretprobeMulti(prog, opts)
	}
	return link.KprobeMulti(prog, opts)
}

// listedTargets returns the functions that the comma-separated parts of a target name,
// as find does, and what bpf_get_attach_cookie returns in each: the number that
// follows = in its part, nil where no part has one. A function of several parts
// belongs to the first.
func listedTargets(target string, find func(pattern string) ([]string, error)) ([]string, []uint64, error) {
	var names []string
	var cookies []uint64
	seen := map[string]bool{}
	for part := range strings.SplitSeq(target, ",") {
		pattern, number, numbered := strings.Cut(part, "=")
		cookie := uint64(0)
		if numbered {
			var err error
			if cookie, err = strconv.ParseUint(number, 0, 64); err != nil {
				return nil, nil, fmt.Errorf("the cookie %q of %q is not a number below 2^64", number, pattern)
			}
		}
		found, err := find(pattern)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range found {
			if !seen[name] {
				seen[name] = true
				names, cookies = append(names, name), append(cookies, cookie)
			}
		}
	}
	if !strings.Contains(target, "=") {
		cookies = nil
	}
	return names, cookies, nil
}

// attachOneByOne attaches to functions of the kernel, or to none. A pattern also
// finds functions that the kernel allows no probe in: those are left out.
func attachOneByOne(names []string, cookies []uint64, prog *ebpf.Program, returns bool) (io.Closer, error) {
	if len(names) > userprobe.MaxSingle {
		return nil, fmt.Errorf("%d functions match, and this kernel attaches one after the other: at most %d, use a "+
			"narrower pattern",
			len(names), userprobe.MaxSingle)
	}
	attach := link.Kprobe
	if returns {
		attach = link.Kretprobe
	}
	var all links
	var first error
	for i, name := range names {
		var opts link.KprobeOptions
		if cookies != nil {
			opts.Cookie = cookies[i]
		}
		ln, err := attach(name, prog, &opts)
		if err != nil {
			if first == nil {
				first = fmt.Errorf("function %q: %w", name, explainKprobe(err))
			}
			continue
		}
		all = append(all, ln)
	}
	if len(all) == 0 {
		return nil, first
	}
	return all, nil
}

// functionLists are files that list functions, a name in each line. Those of tracefs
// are the ones that programs can be attached to.
const (
	filterFunctions = "available_filter_functions"
	kernelSymbols   = "/proc/kallsyms"
)

// kernelFunctions returns the functions of the kernel that match a pattern, sorted;
// a name without wildcard is returned as it is.
func kernelFunctions(pattern string) ([]string, error) {
	if !wildcard.In(pattern) {
		return []string{pattern}, nil
	}
	names, err := listedFunctions(pattern)
	if err != nil {
		return nil, fmt.Errorf("listing the functions of the kernel: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no function matches %q: %w", pattern, os.ErrNotExist)
	}
	return names, nil
}

// listedFunctions returns what matches in the list of tracefs, or where that cannot
// be read, among the symbols of the kernel.
func listedFunctions(pattern string) (names []string, err error) {
	err = withTracefs(func() error {
		for _, dir := range tracefsPaths {
			if names, err = functionsIn(dir+"/"+filterFunctions, 0, pattern); err == nil {
				return nil
			}
		}
		return err
	})
	if err == nil {
		return names, nil
	}
	return functionsIn(kernelSymbols, 2, pattern)
}

// functionsIn returns the names in a column of a file that match.
func functionsIn(path string, column int, pattern string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return matchingFunctions(f, column, pattern)
}

func matchingFunctions(r io.Reader, column int, pattern string) ([]string, error) {
	var names []string
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		fields := strings.Fields(sc.Text())
		if len(fields) <= column || column == 2 && fields[1] != "t" && fields[1] != "T" {
			continue
		}
		if name := fields[column]; wildcard.Match(pattern, name) && !strings.HasPrefix(name, "__ftrace_invalid_address") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), sc.Err()
}
