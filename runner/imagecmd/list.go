package imagecmd

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// noTag is shown in columns for a name by digest alone.
const noTag = "<none>"

// List is "image list".
type List struct {
	Pattern string   `arg:"" optional:"" help:"Only names that match, as with --filter reference=PATTERN."`
	NoTrunc bool     `help:"Do not shorten digests."`
	Filter  []string `short:"f" sep:"none" placeholder:"KEY=VALUE" help:"Only what matches: reference=PATTERN, digest=PREFIX, dangling=true|false."`
	Output  string   `short:"o" enum:"columns,json,yaml" default:"columns" help:"Format of the output: columns, json or yaml."`
}

// listed is one artifact in the output of List.
type listed struct {
	Repository string   `json:"repository" yaml:"repository"`
	Tag        string   `json:"tag" yaml:"tag"`
	Digest     string   `json:"digest" yaml:"digest"`
	Size       int64    `json:"size" yaml:"size"`
	Created    string   `json:"created,omitempty" yaml:"created,omitempty"`
	Stored     string   `json:"stored" yaml:"stored"`
	Archs      []string `json:"archs,omitempty" yaml:"archs,omitempty"`
}

// Run lists the references of the store.
func (l *List) Run(g *cli.Globals) error {
	filters := l.Filter
	if l.Pattern != "" {
		filters = append(filters, "reference="+l.Pattern)
	}
	keep, err := parseFilters(filters)
	if err != nil {
		return cli.Usage(err)
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	refs, listErr := s.List()
	rows := []listed{}
	for _, r := range refs {
		if row := listedOf(r); keep(row) {
			rows = append(rows, row)
		}
	}
	if err := l.print(g, rows); err != nil {
		return err
	}
	return listErr
}

func (l *List) print(g *cli.Globals, rows []listed) error {
	if l.Output != show.Columns {
		return show.Data(g.Stdout, l.Output, rows)
	}
	if g.Quiet { // docker's -q: what "image rm" takes
		return l.printDigests(g, rows)
	}
	t := show.NewTable(g.Stdout, "REPOSITORY", "TAG", "DIGEST", "SIZE", "CREATED")
	for _, r := range rows {
		t.Row(r.Repository, cmp.Or(r.Tag, noTag), l.digest(r), show.Size(r.Size), show.Ago(r.Created, time.Now()))
	}
	return t.Flush()
}

// printDigests prints the digest of each artifact once.
func (l *List) printDigests(g *cli.Globals, rows []listed) error {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.Digest] {
			continue
		}
		seen[r.Digest] = true
		if err := show.Line(g.Stdout, "%s", l.digest(r)); err != nil {
			return err
		}
	}
	return nil
}

func (l *List) digest(r listed) string {
	if l.NoTrunc {
		return r.Digest
	}
	return show.ShortDigest(r.Digest)
}

func listedOf(r store.Ref) listed {
	row := listed{
		Repository: r.Name, Digest: r.Target.Digest.String(), Size: r.Size,
		Created: r.Created, Stored: r.Stored.Format(time.RFC3339),
	}
	for _, a := range r.Archs {
		row.Archs = append(row.Archs, a.String())
	}
	if ref, err := registry.ParseReference(r.Name, registry.Defaults{}); err == nil {
		row.Repository, row.Tag = ref.Name(), ref.Tag
	}
	return row
}

// parseFilters returns what decides whether a row is shown: every filter must
// agree.
func parseFilters(filters []string) (func(listed) bool, error) {
	var all []func(listed) bool
	for _, f := range filters {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fmt.Errorf("filter %q has no '=', write KEY=VALUE", f)
		}
		one, err := parseFilter(key, value)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return func(r listed) bool {
		for _, one := range all {
			if !one(r) {
				return false
			}
		}
		return true
	}, nil
}

func parseFilter(key, value string) (func(listed) bool, error) {
	switch key {
	case "reference":
		if _, err := path.Match(value, ""); err != nil {
			return nil, fmt.Errorf("filter reference=%q: %w", value, err)
		}
		return func(r listed) bool { return matchesReference(value, r) }, nil
	case "digest":
		return func(r listed) bool {
			return strings.HasPrefix(r.Digest, value) || strings.HasPrefix(show.ShortDigest(r.Digest), value)
		}, nil
	case "dangling":
		want, err := parseBool(key, value)
		return func(r listed) bool { return (r.Tag == "") == want }, err
	}
	return nil, fmt.Errorf("unknown filter %q, use reference, digest or dangling", key)
}

// parseBool reads the value of a filter that is yes or no.
func parseBool(key, value string) (bool, error) {
	yes, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("filter %s=%q is neither true nor false", key, value)
	}
	return yes, nil
}

// matchesReference matches a pattern with the whole name, with or without the
// tag, or with its last component.
func matchesReference(pattern string, r listed) bool {
	short := path.Base(r.Repository)
	for _, name := range []string{r.Repository, r.Repository + ":" + r.Tag, short, short + ":" + r.Tag} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
