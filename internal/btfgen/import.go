package btfgen

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/shard"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// ImportReport describes what became of each archive of a shard.
type ImportReport struct {
	Schema   string          `json:"schema"`
	Shard    string          `json:"shard"`
	Stats    shard.Stats     `json:"stats"`
	Archives []ImportArchive `json:"archives"`
}

// ImportReportSchema names the form of an ImportReport.
const ImportReportSchema = "rules_gadget.btfimport.report/v1"

// ImportArchive is one archive.
type ImportArchive struct {
	Release string `json:"release"`
	Types   int    `json:"types"` // in the kernel's BTF
	Error   string `json:"error"`
}

// Import returns the imported form of the archives of one shard. Archives that
// cannot be read are missing in it and named by the *FailuresError, next to
// which data and report are complete. It works on as many archives at a time
// as workers specifies; each takes some 25 MB.
func Import(ctx context.Context, where btfhub.Shard, archives []string, workers int) ([]byte, *ImportReport, error) {
	archives = slices.Clone(archives)
	slices.SortFunc(archives, func(a, b string) int {
		return strings.Compare(filepath.Base(a), filepath.Base(b))
	})
	releases := make([]string, len(archives))
	for i, path := range archives {
		release, err := btfhub.ParseRelease(filepath.Base(path))
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && releases[i-1] == release {
			return nil, nil, fmt.Errorf("the kernel %q appears twice, as %q and %q", release, archives[i-1], path)
		}
		releases[i] = release
	}
	report := &ImportReport{
		Schema: ImportReportSchema, Shard: where.String(), Archives: make([]ImportArchive, len(archives)),
	}
	errs := make([]error, len(archives))
	b := shard.NewBuilder(where.String(), releases)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(workers, 1))
	for i, path := range archives {
		g.Go(func() error {
			report.Archives[i].Release = releases[i]
			report.Archives[i].Types, errs[i] = addArchive(b, i, path)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	var err error
	if report.Stats, err = b.Write(&out); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), report, importFailures(where, report, errs)
}

// addArchive reads one archive into the builder and returns its number of types.
func addArchive(b *shard.Builder, i int, path string) (int, error) {
	data, err := btfhub.ReadArchiveFile(path)
	if err != nil {
		return 0, err
	}
	v, err := btf.Parse(data)
	if err != nil {
		return 0, err
	}
	return v.Len(), b.Add(i, v)
}

// importFailures notes errors in the report and returns them as one.
func importFailures(where btfhub.Shard, report *ImportReport, errs []error) error {
	var failures []Failure
	for i, err := range errs {
		if err != nil {
			report.Archives[i].Error = err.Error()
			failures = append(failures, Failure{where.Kernel(report.Archives[i].Release), err})
		}
	}
	if len(failures) == 0 {
		return nil
	}
	return &FailuresError{Failures: failures, Total: len(errs)}
}
