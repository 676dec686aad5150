package btfhub

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// NotFoundError means that a layer has no BTF for a kernel.
type NotFoundError struct {
	Kernel  kernel.Identity
	Tried   []string // paths that were looked for
	Matches []string // entries of the same release between which nothing decides
	Nearest []string // entries most like the kernel, best first
	Total   int      // number of entries in the layer
}

// Error names the kernel, what was tried and what is nearest.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no BTF for kernel %q among the %d of the gadget", e.Kernel, e.Total)
	list := func(title string, items []string) {
		if len(items) > 0 {
			fmt.Fprintf(&b, "; %s %s", title, strings.Join(items, ", "))
		}
	}
	list("tried", e.Tried)
	list("the release alone matches several:", e.Matches)
	list("nearest:", e.Nearest)
	return b.String()
}

// Find returns the path and the BTF for a kernel as os-release and uname give
// it: first under btfhub's names for the distribution and version, then by the
// release alone when that is unique (of several, those of the same
// distribution count, and equal contents count as one). The error is a
// *NotFoundError if none exists.
func (l *Layer) Find(id kernel.Identity) (path string, btf []byte, err error) {
	tried := id.BTFHubCandidates()
	for _, name := range tried {
		if slices.Contains(l.names, name) {
			btf, err = l.Read(name)
			return name, btf, err
		}
	}
	tried = append(tried, "*/"+id.Release+BTFSuffix)
	matches := l.byRelease(id)
	if len(matches) == 0 {
		return "", nil, &NotFoundError{Kernel: id, Tried: tried, Nearest: l.nearest(id), Total: len(l.names)}
	}
	if btf, err = l.Read(matches[0]); err != nil {
		return "", nil, err
	}
	for _, name := range matches[1:] {
		other, err := l.Read(name)
		if err != nil {
			return "", nil, err
		}
		if !bytes.Equal(btf, other) {
			return "", nil, &NotFoundError{Kernel: id, Tried: tried, Matches: matches, Total: len(l.names)}
		}
	}
	return matches[0], btf, nil
}

// byRelease returns the entries with the kernel's release that are not of
// another architecture; those of its distribution alone, if there are any.
func (l *Layer) byRelease(id kernel.Identity) []string {
	var all, same []string
	for _, name := range l.names {
		dir, file := cutLast(name)
		if file != id.Release+BTFSuffix {
			continue
		}
		shard, err := ParseShard(dir)
		if err == nil && shard.Arch != id.Arch && id.Arch != arch.Arch("") {
			continue
		}
		all = append(all, name)
		if err == nil && shard.Distro == id.Distro {
			same = append(same, name)
		}
	}
	if len(same) > 0 {
		return same
	}
	return all
}

// nearestCount is how many entries an error lists.
const nearestCount = 5

// nearest returns the entries most like the kernel: of its architecture, of
// its distribution, with the longest common beginning of the release.
func (l *Layer) nearest(id kernel.Identity) []string {
	score := func(name string) int {
		dir, file := cutLast(name)
		n := commonPrefix(strings.TrimSuffix(file, BTFSuffix), id.Release)
		shard, err := ParseShard(dir)
		if err != nil {
			return n
		}
		if shard.Arch == id.Arch {
			n += 1000
		}
		if shard.Distro == id.Distro {
			n += 100
		}
		if slices.Contains(id.BTFHubVersions(), shard.Version) {
			n += 3
		}
		return n
	}
	names := slices.Clone(l.names)
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(score(b)-score(a), strings.Compare(a, b))
	})
	return names[:min(len(names), nearestCount)]
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
