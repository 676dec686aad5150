// Package userprobe attaches programs to functions and static probes (USDT) of
// programs and libraries, in the root directory of this machine and in those of
// containers, each with the files that it has.
package userprobe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/runner/binary"
	"github.com/rules-gadget/rules_gadget/runner/wildcard"
)

// Target is what a section or gadget.yaml names.
type Target struct {
	// Binary is a path, or the name of a library or program.
	Binary string
	// Symbol is a function, perhaps with a version: "memcpy@GLIBC_2.14".
	Symbol string
	Offset uint64 // into the function
	Return bool   // when the function returns

	// Multi is for all functions that Symbol, a pattern with * and ?, matches.
	Multi bool
	// Static is for a static probe, which Provider ("" for any) and Symbol name.
	Static   bool
	Provider string
}

// Parse reads the target of a section whose first part is kind: "binary:symbol"
// or "binary:symbol+offset" for uprobe and uretprobe, "binary:pattern" for
// uprobe.multi and uretprobe.multi, "binary:provider:name" for usdt.
func Parse(kind, target string) (Target, error) {
	t := Target{Static: kind == "usdt"}
	kind, t.Multi = strings.CutSuffix(kind, ".multi")
	t.Return = kind == "uretprobe"
	var ok bool
	want := "binary:symbol"
	if t.Binary, t.Symbol, ok = strings.Cut(target, ":"); ok && t.Static {
		want = "binary:provider:name"
		t.Provider, t.Symbol, ok = strings.Cut(t.Symbol, ":")
	}
	if !ok || t.Binary == "" || t.Symbol == "" {
		return t, fmt.Errorf("attach target %q, want %s", target, want)
	}
	if t.Static || t.Multi {
		return t, nil
	}
	// Names of C++ operators may have a plus as well.
	if at := strings.LastIndexByte(t.Symbol, '+'); at > 0 && at+1 < len(t.Symbol) && isDigit(t.Symbol[at+1]) {
		var err error
		if t.Offset, err = strconv.ParseUint(t.Symbol[at+1:], 0, 64); err != nil {
			return t, fmt.Errorf("attach target %q: offset %q is not a number", target, t.Symbol[at+1:])
		}
		t.Symbol = t.Symbol[:at]
	}
	return t, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// place is where in a file a probe goes.
type place struct {
	offset, semaphore uint64 // in the file
	arguments         string // of a static probe
}

// errGoReturn is why probes at returns in Go are refused: the kernel puts another
// return address onto the stack, and Go's runtime ends the program when it meets
// that while it grows, moves or scans the stack.
var errGoReturn = errors.New("a probe at the return of a function of Go makes the program crash, use a uprobe where " +
	"the function begins")

// places returns where t is in the file f. The error is link.ErrNoSymbol when it
// is not there.
func (t Target) places(f *os.File) ([]place, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	elf, err := binary.New(f, info.Size())
	if err != nil {
		return nil, err
	}
	goCode := func(uint64) bool { return false }
	if t.Return {
		if goCode, err = elf.GoCode(); err != nil {
			return nil, err
		}
	}
	switch {
	case t.Static:
		return t.staticPlaces(elf)
	case t.Multi && wildcard.In(t.Symbol):
		return t.matchingPlaces(elf, goCode)
	}
	fn, ok, err := elf.Function(t.Symbol)
	switch {
	case errors.Is(err, binary.ErrNoSymbols):
		return nil, fmt.Errorf("finding function %q: %w: %w", t.Symbol, err, link.ErrNoSymbol)
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("function %q: %w", t.Symbol, link.ErrNoSymbol)
	case t.Return && goCode(fn.Addr):
		return nil, fmt.Errorf("function %q: %w", t.Symbol, errGoReturn)
	case fn.Size > 0 && t.Offset >= fn.Size:
		return nil, fmt.Errorf("offset %d is after the end of function %q, which has %d bytes", t.Offset, t.Symbol, fn.Size)
	}
	offset, ok := elf.FileOffset(fn.Addr + t.Offset)
	if !ok {
		return nil, fmt.Errorf("function %q has no code in the file", t.Symbol)
	}
	return []place{{offset: offset}}, nil
}

// matchingPlaces returns where the functions are that the pattern matches, but for
// those that cannot be probed.
func (t Target) matchingPlaces(elf *binary.File, goCode func(addr uint64) bool) ([]place, error) {
	table, err := elf.Functions()
	if err != nil {
		return nil, fmt.Errorf("finding functions: %w: %w", err, link.ErrNoSymbol)
	}
	var out []place
	ofGo := 0
	for addr, name := range table.All() {
		if !wildcard.Match(t.Symbol, string(name)) {
			continue
		}
		if t.Return && goCode(addr) {
			ofGo++
			continue
		}
		if offset, ok := elf.FileOffset(addr); ok {
			out = append(out, place{offset: offset})
		}
	}
	if len(out) == 0 && ofGo > 0 {
		return nil, fmt.Errorf("functions that match %q: %w", t.Symbol, errGoReturn)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no function matches %q: %w", t.Symbol, link.ErrNoSymbol)
	}
	return out, nil
}

func (t Target) staticPlaces(elf *binary.File) ([]place, error) {
	probes, err := elf.StaticProbes(t.Provider, t.Symbol)
	if err != nil {
		return nil, err
	}
	if len(probes) == 0 {
		return nil, fmt.Errorf("static probe %q: %w", t.Provider+":"+t.Symbol, link.ErrNoSymbol)
	}
	out := make([]place, len(probes))
	for i, p := range probes {
		out[i] = place{offset: p.Location, semaphore: p.Semaphore, arguments: p.Arguments}
	}
	return out, nil
}
