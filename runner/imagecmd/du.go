package imagecmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Du is "image du".
type Du struct {
	Filter  []string `short:"f" sep:"none" placeholder:"KEY=VALUE" help:"Only blobs that match: reclaimable=true|false, reference=PREFIX."`
	NoTrunc bool     `help:"Do not shorten digests."`
	Output  string   `short:"o" enum:"columns,json,yaml" default:"columns" help:"Format of the output: columns, json or yaml."`
}

// used is one blob in the output of Du and Prune.
type used struct {
	ID          string   `json:"id" yaml:"id"`
	Reclaimable bool     `json:"reclaimable" yaml:"reclaimable"`
	Shared      bool     `json:"shared" yaml:"shared"`
	Size        int64    `json:"size" yaml:"size"`
	MediaType   string   `json:"mediaType,omitempty" yaml:"mediaType,omitempty"`
	References  []string `json:"references" yaml:"references"`
}

// diskUsage is the output of Du.
type diskUsage struct {
	Blobs       []used `json:"blobs" yaml:"blobs"`
	Shared      int64  `json:"shared" yaml:"shared"`
	Reclaimable int64  `json:"reclaimable" yaml:"reclaimable"`
	Total       int64  `json:"total" yaml:"total"`
}

// Run shows every blob and the sums.
func (d *Du) Run(g *cli.Globals) error {
	keep, err := parseUsageFilters(d.Filter)
	if err != nil {
		return cli.Usage(err)
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	blobs, err := s.Usage(g.Ctx)
	if err != nil {
		return err
	}
	out := diskUsage{Blobs: []used{}}
	for _, b := range blobs {
		if u := usedOf(b); keep(u) {
			out.add(u)
		}
	}
	if d.Output != show.Columns {
		return show.Data(g.Stdout, d.Output, out)
	}
	if err := printUsed(g, out.Blobs, d.NoTrunc); err != nil {
		return err
	}
	return show.Line(g.Stdout, "%-15s %s\n%-15s %s\n%-15s %s",
		"Shared:", show.Size(out.Shared), "Reclaimable:", show.Size(out.Reclaimable), "Total:", show.Size(out.Total))
}

func (d *diskUsage) add(u used) {
	d.Blobs = append(d.Blobs, u)
	d.Total += u.Size
	if u.Reclaimable {
		d.Reclaimable += u.Size
	}
	if u.Shared {
		d.Shared += u.Size
	}
}

func usedOf(u store.Usage) used {
	refs := u.Refs
	if refs == nil {
		refs = []string{}
	}
	return used{
		ID: u.Digest.String(), Reclaimable: len(refs) == 0, Shared: len(refs) > 1,
		Size: u.Size, MediaType: u.MediaType, References: refs,
	}
}

func printUsed(g *cli.Globals, blobs []used, full bool) error {
	t := show.NewTable(g.Stdout, "ID", "RECLAIMABLE", "SIZE", "DESCRIPTION")
	for _, b := range blobs {
		id := b.ID
		if !full {
			id = show.ShortDigest(id)
		}
		t.Row(id, fmt.Sprint(b.Reclaimable), show.Size(b.Size), b.description())
	}
	return t.Flush()
}

// contentNames are what people call the media types of artifacts.
var contentNames = map[string]string{
	ocispec.MediaTypeImageIndex:    "index",
	ocispec.MediaTypeImageManifest: "manifest",
	gadget.ConfigMediaType:         "metadata",
	gadget.EBPFMediaType:           "eBPF program",
	sign.BundleMediaType:           "signature",
	sign.PayloadMediaType:          "signature",
	attest.StatementMediaType:      "statement",
	attest.SPDXMediaType:           "SBOM",
	gadget.WasmMediaType:           "wasm program",
	gadget.BTFMediaType:            "BTF",
}

func (u used) description() string {
	if u.Reclaimable {
		return "not referenced"
	}
	kind := contentNames[u.MediaType]
	text := cmp.Or(kind, u.MediaType, "content") + " of " + u.References[0]
	if more := len(u.References) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func parseUsageFilters(filters []string) (func(used) bool, error) {
	keep := func(used) bool { return true }
	for _, f := range filters {
		key, value, _ := strings.Cut(f, "=")
		before := keep
		switch key {
		case "reclaimable":
			want, err := parseBool(key, value)
			if err != nil {
				return nil, err
			}
			keep = func(u used) bool { return before(u) && u.Reclaimable == want }
		case "reference":
			keep = func(u used) bool {
				return before(u) && slices.ContainsFunc(u.References, func(r string) bool { return strings.HasPrefix(r, value) })
			}
		default:
			return nil, fmt.Errorf("unknown filter %q, use reclaimable=true or reference=PREFIX", f)
		}
	}
	return keep, nil
}

// Prune is "image prune".
type Prune struct {
	All      bool `short:"a" help:"Remove all names too, except those that --keep-last keeps."`
	KeepLast int  `placeholder:"N" help:"With --all: keep the N names of each repository that were stored last."`
	DryRun   bool `help:"Print what would be removed, remove nothing."`
	NoTrunc  bool `help:"Do not shorten digests."`
	Force    bool `short:"f" help:"Accepted for compatibility with docker; it never prompts."`
}

// Run removes content that no name needs, and with --all the names.
func (p *Prune) Run(g *cli.Globals) error {
	if p.KeepLast < 0 || p.KeepLast > 0 && !p.All {
		return cli.Usage(fmt.Errorf("--keep-last=%d needs --all and a positive number", p.KeepLast))
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	var forgotten []string
	options := store.GCOptions{DryRun: p.DryRun, Forget: func(refs []store.Ref) []string {
		forgotten = p.forget(refs)
		return forgotten
	}}
	swept, err := s.GC(g.Ctx, options)
	if err != nil {
		return err
	}
	if err := p.records(g, s); err != nil {
		return err
	}
	return p.print(g, forgotten, swept)
}

// records forgets the signatures of artifacts that no longer have a name.
func (p *Prune) records(g *cli.Globals, s *store.Store) error {
	if p.DryRun {
		return nil
	}
	refs, err := s.List()
	if err != nil {
		return nil // what a damaged reference refers to is unknown
	}
	_, err = sign.Forget(g.State, func(d digest.Digest) bool {
		return slices.ContainsFunc(refs, func(r store.Ref) bool { return r.Target.Digest == d })
	})
	return err
}

// forget chooses the names to remove with --all: per repository those that
// were not stored among the last ones.
func (p *Prune) forget(refs []store.Ref) []string {
	if !p.All {
		return nil
	}
	newest := slices.Clone(refs)
	slices.SortStableFunc(newest, func(a, b store.Ref) int { return b.Stored.Compare(a.Stored) })
	kept := map[string]int{}
	var gone []string
	for _, r := range newest {
		repository := r.Name
		if ref, err := registry.ParseReference(r.Name, registry.Defaults{}); err == nil {
			repository = ref.Name()
		}
		if kept[repository]++; kept[repository] > p.KeepLast {
			gone = append(gone, r.Name)
		}
	}
	slices.Sort(gone)
	return gone
}

func (p *Prune) print(g *cli.Globals, forgotten []string, swept store.Swept) error {
	for _, name := range forgotten {
		if err := show.Line(g.Stdout, "Untagged: %s", name); err != nil {
			return err
		}
	}
	var rows []used
	for _, b := range swept.Blobs {
		rows = append(rows, usedOf(b))
	}
	if len(rows) > 0 {
		if err := printUsed(g, rows, p.NoTrunc); err != nil {
			return err
		}
	}
	word := "Reclaimed:"
	if p.DryRun {
		word = "Reclaimable:"
	}
	if swept.Files > 0 {
		g.Say("Including the rest of %d interrupted transfer%s.", swept.Files, show.Plural(swept.Files))
	}
	return show.Line(g.Stdout, "%-15s %s\n%-15s %s", word, show.Size(swept.Bytes), "Total:", show.Size(swept.Bytes))
}
