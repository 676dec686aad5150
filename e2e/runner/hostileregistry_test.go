package runner_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

func TestHostileRegistries(t *testing.T) {
	index := func(inner string) string {
		return `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[` + inner + `]}`
	}
	manifest := func(config, layers string) string {
		return `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","artifactType":"` +
			gadget.ArtifactType +
			`","config":` + config + `,"layers":[` + layers + `]}`
	}
	small := oci.NewBlob("x", []byte("x"))
	config := descriptor(gadget.ConfigMediaType, "x")
	mislabeled := func(size int64) string {
		d := oci.Describe(gadget.EBPFMediaType, []byte("lie"))
		d.Size = size
		text, _ := json.Marshal(d)
		return string(text)
	}
	for name, tc := range map[string]struct {
		serve func(*testing.T, *victim)
		want  string
	}{
		"1 GB of annotations": {func(_ *testing.T, v *victim) {
			v.endless("/manifests/", ocispec.MediaTypeImageManifest, 200, `{"annotations":{"a":"`, "annotation")
		}, "larger than 4194304 bytes"},
		"1 GB of annotations in a platform's manifest": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageIndex, index(descriptor(ocispec.MediaTypeImageManifest, "lie")))
			v.endless("/manifests/sha256:", ocispec.MediaTypeImageManifest, 200, `{"annotations":{"a":"`, "annotation")
		}, "larger than 4194304 bytes"},
		"10,000 layers": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, many(10_000, func(i int) string {
				return descriptor("x", fmt.Sprint(i))
			})), small)
		}, "at most 1024 are allowed"},
		"10,000 manifests": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageIndex, index(many(10_000, func(i int) string {
				return descriptor(ocispec.MediaTypeImageManifest, fmt.Sprint(i))
			})))
		}, "at most 1024 are allowed"},
		"the same layer 1,000 times": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, many(1000, func(int) string {
				return mislabeled(200 << 20)
			})), small)
		}, "not found"},
		"many manifests of 4 MB": {func(_ *testing.T, v *victim) {
			var blobs []oci.Blob
			v.serve(ocispec.MediaTypeImageIndex, index(many(40, func(i int) string {
				b := oci.NewBlob(ocispec.MediaTypeImageManifest,
					[]byte(fmt.Sprintf(`{"n":%d,"layers":[],"x":"%s"}`, i, strings.Repeat("x", 4<<20-100))))
				blobs = append(blobs, b)
				text, _ := json.Marshal(b.Descriptor)
				return string(text)
			})))
			v.srv.Add(blobs...)
		}, "manifests of more than"},
		"indexes inside each other": {func(_ *testing.T, v *victim) {
			b := oci.NewBlob(ocispec.MediaTypeImageIndex, []byte(index("")))
			v.srv.Add(b)
			for range 100 {
				text, _ := json.Marshal(b.Descriptor)
				b = oci.NewBlob(ocispec.MediaTypeImageIndex, []byte(index(many(10, func(int) string { return string(text) }))))
				v.srv.Add(b)
			}
			v.srv.Tag("v1", b.Descriptor)
		}, "nested deeper"},
		"a layer that never ends": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, mislabeled(1000)), small)
			v.endless("/blobs/"+oci.Describe("", []byte("lie")).Digest.String(), "x", 200, "", "layer")
		}, "is corrupt"},
		"a layer that is shorter than declared": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, mislabeled(100<<20)), small,
				oci.NewBlob("x", []byte("lie")))
		}, "has 3 bytes, its descriptor says"},
		"a layer of other content": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, mislabeled(3)), small)
			v.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/blobs/"+oci.Describe("", []byte("lie")).Digest.String()) {
					return false
				}
				_, _ = w.Write([]byte("LIE"))
				return true
			}
		}, "is corrupt"},
		"a layer larger than allowed": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, mislabeled(1<<40)), small)
		}, "at most 268435456 are allowed"},
		"a manifest that is a tower of brackets": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, `{"layers":`+strings.Repeat("[", 4<<20-200))
		}, "exceeded max depth"},
		"an error without end": {func(_ *testing.T, v *victim) {
			v.endless("/manifests/", "application/json", 404, `{"errors":[{"code":"X","message":"`, "error")
		}, "registry 127.0.0.1"},
		"a blob's error without end": {func(_ *testing.T, v *victim) {
			v.serve(ocispec.MediaTypeImageManifest, manifest(config, ""), small)
			v.endless("/blobs/", "application/json", 403, `{"errors":[{"code":"X","message":"`, "error")
		}, "registry 127.0.0.1"},
		"an error of 1 MB": {func(_ *testing.T, v *victim) {
			v.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/manifests/") {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(400)
					_, _ = io.WriteString(w, `{"errors":[{"code":"X","message":"`+strings.Repeat("error\\n", 10_000)+`"}]}`)
					return true
				}
				return false
			}
		}, "registry 127.0.0.1"},
		"redirects in a circle": {func(_ *testing.T, v *victim) {
			v.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/manifests/") {
					http.Redirect(w, r, r.URL.Path+"?again", http.StatusTemporaryRedirect)
					return true
				}
				return false
			}
		}, "redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			tc.serve(t, v)
			v.refuses(t, tc.want, "image", "pull", "--all-platforms", v.ref())
		})
	}
}

// TestHostileReferrers pulls a sound artifact to which something hostile
// refers: it comes, and that is left out.
func TestHostileReferrers(t *testing.T) {
	sound := registrytest.NewArtifact(t, 1, 1000)
	refer := func(t *testing.T, v *victim, doc registry.Document) ocispec.Descriptor {
		t.Helper()
		blobs, d, err := registry.ReferrerManifest(sound.Root, doc)
		if err != nil {
			t.Fatal(err)
		}
		for digest, data := range blobs {
			b := oci.NewBlob("application/octet-stream", data)
			if digest == d.Digest {
				b.MediaType = d.MediaType
			}
			v.srv.Add(b)
		}
		v.srv.Refer(sound.Root.Digest, d)
		return d
	}
	for name, tc := range map[string]struct {
		serve func(*testing.T, *victim)
		want  string // part of the output; empty for no output
	}{
		"none": {func(*testing.T, *victim) {}, ""},
		"a list without end": {func(_ *testing.T, v *victim) {
			v.endless("/referrers/", ocispec.MediaTypeImageIndex, 200, `{"manifests":[`, `{"digest":"x"},`)
		}, "larger than 4194304 bytes"},
		"10,000 documents": {func(t *testing.T, v *victim) {
			for i := range 10_000 {
				v.srv.Refer(sound.Root.Digest, oci.Describe(ocispec.MediaTypeImageManifest, fmt.Append(nil, i)))
			}
			refer(t, v, registry.Document{MediaType: "x", Data: []byte("x")})
		}, "are kept"},
		"a document without end": {func(t *testing.T, v *victim) {
			refer(t, v, registry.Document{MediaType: "x", Data: []byte("x")})
			v.endless("/blobs/"+oci.Describe("", []byte("x")).Digest.String(), "x", 200, "", "document")
		}, "is corrupt"},
		"signatures without end": {func(_ *testing.T, v *victim) {
			v.endless(".sig", ocispec.MediaTypeImageManifest, 200, `{"layers":[`, `{"digest":"x"},`)
		}, "larger than 4194304 bytes"},
		"a document of 200 MB": {func(_ *testing.T, v *victim) {
			layer := oci.Describe("x", []byte("large"))
			layer.Size = 200 << 20
			text, _ := json.Marshal(ocispec.Manifest{
				MediaType: ocispec.MediaTypeImageManifest, Config: ocispec.DescriptorEmptyJSON,
				Layers: []ocispec.Descriptor{layer}, Subject: &sound.Root,
			})
			b := oci.NewBlob(ocispec.MediaTypeImageManifest, text)
			v.srv.Add(b)
			v.srv.Refer(sound.Root.Digest, b.Descriptor)
		}, "more than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			v.srv.Add(sound.Blobs...)
			v.srv.Tag("v1", sound.Root)
			tc.serve(t, v)
			got := v.run(t, "image", "pull", v.ref())
			t.Logf("%d MB: %.300s", got.peak>>20, got.output)
			if got.failed || !strings.Contains(got.output, tc.want) || (tc.want == "") == strings.Contains(got.output,
				"not all") {
				t.Errorf("pull gives %.2000q, failed %v; want it pulled, with %q", got.output, got.failed, tc.want)
			}
			if len(got.output) > 4096 {
				t.Errorf("it prints %d bytes", len(got.output))
			}
			if got := v.run(t, "image", "fsck"); got.failed {
				t.Errorf("the store is damaged: %s", got.output)
			}
		})
	}
}
