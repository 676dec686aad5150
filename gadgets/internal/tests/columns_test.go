package tests

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// TestColumnsFit holds the columns that gadgets show by default to a terminal of 120
// characters, on a machine with containers: none is left out, no title is cut, and the
// container comes first.
func TestColumnsFit(t *testing.T) {
	const width = 120
	shown := 0
	for _, name := range live.Gadgets(t) {
		for _, src := range sourcesOf(t, name) {
			if mode := src.Annotations["cli.default-output-mode"]; mode != "" && mode != string(output.Columns) {
				continue
			}
			enc, err := output.New(src, output.Options{Mode: output.Columns, Width: width})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			text := enc.Header(nil)
			if src.Array {
				text = enc.Array(nil, nil)
			}
			header := strings.TrimRight(string(text), "\n")
			if header == "" {
				continue // histograms
			}
			shown++
			if n := utf8.RuneCountInString(header); n > width || strings.Contains(header, "…") {
				t.Errorf("%s, data source %s: the titles have %d characters, or are cut: %s", name, src.Name, n, header)
			}
			comes := strings.HasPrefix(header, "CONTAINERNAME ") || strings.HasPrefix(header, "RUNTIME.CONTAINERNAME ")
			if has := src.Lookup("runtime.containerName") != nil; has && !comes {
				t.Errorf("%s, data source %s: the container is not the first column: %s", name, src.Name, header)
			}
		}
	}
	if shown < 30 {
		t.Errorf("%d data sources were tried, which cannot be all", shown)
	}
}

// sourcesOf describes the data sources of a gadget as a run does where containers are.
func sourcesOf(t *testing.T, name string) []*field.Source {
	t.Helper()
	parsed, err := artifact.ParseName(live.Image(t, name))
	if err != nil {
		t.Fatal(err)
	}
	src, err := artifact.OpenPath(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Release()
	art, err := gadget.Load(t.Context(), src.Blobs, src.Root, arch.Host())
	if err != nil {
		t.Fatal(err)
	}
	md, problems := gadget.ParseMetadata(art.Metadata, "gadget.yaml", false)
	if md == nil {
		t.Fatal(problems)
	}
	spec := gadgetapi.Empty()
	if len(art.Object) > 0 {
		if spec, err = gadgetapi.Read(art.Object, md.API()); err != nil {
			t.Fatal(err)
		}
	}
	descs, err := md.Sources(spec, gadgetapi.DescribeOptions{ShowContainer: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []*field.Source
	for _, d := range descs {
		s := field.New(d, field.Env{})
		s.Finish()
		out = append(out, s)
	}
	return out
}
