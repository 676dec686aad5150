package btfgen

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// GenerateArchives makes minimal BTF straight from archives, as many at a time
// as workers specifies. The report covers all of them; its Arch is that of the
// first.
func GenerateArchives(
	ctx context.Context, objects []*core.Object, archives []btfhub.Archive, workers int,
) (*Output, error) {
	results := make([]*core.Result, len(archives))
	errs := make([]error, len(archives))
	names := core.RootNames(objects)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(workers, 1))
	for i, a := range archives {
		g.Go(func() error {
			results[i], errs[i] = generateArchive(objects, names, a.Path)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := &Output{Report: newReport(objects, ""), Computed: len(archives)}
	if len(archives) > 0 {
		out.Report.Arch = archives[0].Kernel.Arch.String()
	}
	for i, a := range archives {
		out.Report.add(a.Kernel, results[i], errs[i])
		if errs[i] != nil {
			out.Failures = append(out.Failures, Failure{a.Kernel, errs[i]})
			continue
		}
		out.Entries = append(out.Entries, btfhub.LayerEntry{Kernel: a.Kernel, BTF: results[i].BTF})
	}
	return out, nil
}

func generateArchive(objects []*core.Object, names []string, path string) (*core.Result, error) {
	data, err := btfhub.ReadArchiveFile(path)
	if err != nil {
		return nil, err
	}
	return GenerateBTF(objects, names, data)
}

// GenerateBTF makes minimal BTF of one kernel's raw BTF. Names are
// core.RootNames of the objects.
func GenerateBTF(objects []*core.Object, names []string, data []byte) (*core.Result, error) {
	v, err := btf.Parse(data)
	if err != nil {
		return nil, err
	}
	raw, err := core.NewRaw(v, names)
	if err != nil {
		return nil, err
	}
	return core.Relocate(objects, raw, v.BigEndian())
}
