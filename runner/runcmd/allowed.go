package runcmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// allowList is the value of --allowed-gadgets: references, "name@digest", digests
// alone, and prefixes of references followed by *.
type allowList struct {
	text     []string
	names    []string // complete references, by tag or by digest
	prefixes []string
	digests  []string
}

// newAllowList reads the values of --allowed-gadgets; short names are completed
// as those of gadgets are.
func newAllowList(values []string) (allowList, error) {
	var l allowList
	var defaults registry.Defaults
	if len(values) > 0 {
		cfg, err := registry.HostConfig()
		if err != nil {
			return l, err
		}
		defaults = cfg.Defaults()
	}
	for _, v := range values {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		l.text = append(l.text, v)
		if prefix, ok := strings.CutSuffix(v, "*"); ok {
			l.prefixes = append(l.prefixes, prefix)
			continue
		}
		if digest.Digest(v).Validate() == nil {
			l.digests = append(l.digests, v)
			continue
		}
		ref, err := registry.ParseReference(v, defaults)
		if err != nil {
			return l, fmt.Errorf("--allowed-gadgets: %w", err)
		}
		l.names = append(l.names, ref.String())
	}
	if len(values) > 0 && len(l.text) == 0 {
		return l, errors.New("--allowed-gadgets names no gadget, which would allow none, leave it out or name some")
	}
	return l, nil
}

// check returns an error unless ref, which refers to the artifact d, is in the
// list. An empty d means that it is not known yet; then ref must be one that can
// still be in the list. The zero ref is a file, which only its digest names.
func (l allowList) check(ref registry.Reference, d digest.Digest) error {
	if len(l.text) == 0 || l.has(ref, d) {
		return nil
	}
	what := ref.String()
	if ref == (registry.Reference{}) {
		what = "a file with the digest " + d.String()
	}
	return fmt.Errorf("%s is not one of the gadgets that --allowed-gadgets allows (%s), add it there if it may run",
		what, strings.Join(l.text, ", "))
}

func (l allowList) has(ref registry.Reference, d digest.Digest) bool {
	for _, allowed := range l.digests {
		if d == "" || d.String() == allowed {
			return true
		}
	}
	if ref == (registry.Reference{}) {
		return false
	}
	for _, name := range l.names {
		pinned := strings.Contains(name, "@")
		if name == ref.String() || pinned && d == "" && strings.HasPrefix(name, ref.Name()+"@") || pinned &&
			name == ref.Pinned(d.String()) {
			return true
		}
	}
	for _, p := range l.prefixes {
		if strings.HasPrefix(ref.String(), p) {
			return true
		}
	}
	return false
}
