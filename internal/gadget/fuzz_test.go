package gadget_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

func FuzzParseBuildFile(f *testing.F) {
	f.Add([]byte("ebpfsource: a.c\ncflags: -DX 'y'\narchs: [amd64]\nincludes: [a]\nwasm: a.go\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, problems := gadget.ParseBuildFile(data, "b")
		if problems.Err() != nil {
			return
		}
		for _, p := range append(b.Includes, b.Source, b.Metadata, b.Wasm) {
			if p.Path != "" && !filepath.IsLocal(p.Path) {
				t.Errorf("path %q was accepted", p.Path)
			}
		}
		for _, flag := range b.CFlags {
			if err := gadget.CheckCFlag(flag); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(goodMetadata))
	f.Add([]byte("a: &a\n  ebpf: *a\nparams: *a\n"))
	good, err := os.ReadFile("testdata/objects/good.bpf.o")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		md, _ := gadget.ParseMetadata(data, "gadget.yaml", true)
		gadget.ValidateMetadata(md, gadget.Validation{Object: good})
		updated, err := gadget.UpdateMetadata(data, good, "x")
		if err != nil {
			return
		}
		if _, err := gadget.UpdateMetadata(updated, good, "x"); err != nil {
			t.Errorf("%q became unreadable: %v\n%s", data, err, updated)
		}
	})
}

func FuzzReadObject(f *testing.F) {
	for _, name := range []string{"good", "bad", "noprogram"} {
		f.Add(object(f, name))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		md, _ := gadget.ParseMetadata([]byte(goodMetadata), "gadget.yaml", true)
		gadget.ValidateMetadata(md, gadget.Validation{Object: data})
		_, _ = gadget.UpdateMetadata(nil, data, "x")
	})
}

func FuzzLoad(f *testing.F) {
	blobs, root := artifact(f)
	for _, data := range blobs {
		f.Add(data)
	}
	_ = root
	f.Fuzz(func(t *testing.T, data []byte) {
		b := oci.NewBlob("", data)
		all, _ := artifact(t)
		all[b.Digest] = data
		for _, a := range arch.All() {
			art, err := gadget.Load(context.Background(), all, b.Descriptor, a)
			if err == nil && art.Manifest.ArtifactType != gadget.ArtifactType &&
				art.Manifest.Config.MediaType != gadget.ConfigMediaType {
				t.Errorf("%q was loaded", data)
			}
		}
	})
}
