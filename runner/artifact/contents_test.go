package artifact_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// shaped is a layout in the shape in which another tool writes them.
type shaped struct {
	t *testing.T
	*registrytest.Artifact
	dir string
}

func newShaped(t *testing.T) *shaped {
	t.Helper()
	t.Setenv("GADGET_RUN_REGISTRIES", "/dev/null")
	a := registrytest.NewArtifact(t, 1, 100)
	return &shaped{t, a, a.Layout(t)}
}

// entry is one of index.json.
func entry(d ocispec.Descriptor, annotations ...string) ocispec.Descriptor {
	d.Annotations = map[string]string{}
	for pair := range slices.Chunk(annotations, 2) {
		d.Annotations[pair[0]] = pair[1]
	}
	return d
}

// add writes more manifests or indexes and blobs into the layout.
func (s *shaped) add(blobs ...oci.Blob) {
	s.t.Helper()
	for _, b := range blobs {
		if err := oci.WriteLayout(s.dir, b.Descriptor, blobs); err != nil {
			s.t.Fatal(err)
		}
	}
}

// document adds a manifest that refers to subject.
func (s *shaped) document(subject ocispec.Descriptor) ocispec.Descriptor {
	s.t.Helper()
	from, root, err := registry.ReferrerManifest(subject, registry.Document{
		MediaType: "text/plain", Data: []byte(subject.Digest),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for data := range maps.Values(from) {
		s.add(oci.NewBlob("", data))
	}
	return root
}

func (s *shaped) index(manifests ...ocispec.Descriptor) ocispec.Descriptor {
	s.t.Helper()
	data, err := action.JSON(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests})
	if err != nil {
		s.t.Fatal(err)
	}
	b := oci.NewBlob(ocispec.MediaTypeImageIndex, data)
	s.add(b)
	return b.Descriptor
}

// only holds that the layout has one artifact and what refers to it, and returns
// the name for it.
func (s *shaped) only(root ocispec.Descriptor, referrers ...string) string {
	s.t.Helper()
	a, err := artifact.OpenArchive(s.t.Context(), s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Close()
	if len(a.Members) != 1 || a.Members[0].Root.Digest != root.Digest {
		s.t.Fatalf("members %+v, want %s alone", a.Members, root.Digest)
	}
	var got []string
	for _, r := range a.Members[0].Referrers {
		got = append(got, r.Subject.String()+" "+r.Target.Digest.String()+" "+r.Tag)
	}
	slices.Sort(got)
	slices.Sort(referrers)
	if !slices.Equal(got, referrers) {
		s.t.Errorf("referrers %q, want %q", got, referrers)
	}
	return a.NameFor(s.t.Context(), a.Members[0])
}

func refers(subject, target ocispec.Descriptor, tag string) string {
	return subject.Digest.String() + " " + target.Digest.String() + " " + tag
}

func tagOf(d ocispec.Descriptor) string { return strings.Replace(d.Digest.String(), ":", "-", 1) }

// TestShapesOfLayouts: one obvious artifact needs no name of the user's. The shapes
// of crane, skopeo, oras, regctl and cosign are compared with these programs in
// e2e/clients; BuildKit and ig are not among the clients there, and these are made
// after what they write.
func TestShapesOfLayouts(t *testing.T) {
	const refName = ocispec.AnnotationRefName
	for name, tc := range map[string]struct {
		write func(s *shaped) (root ocispec.Descriptor, entries []ocispec.Descriptor, referrers []string)
		want  string
	}{
		"no name": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			return s.Root, []ocispec.Descriptor{entry(s.Root)}, nil
		}, "gadget1"},
		"one platform without a name": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			return s.Manifests[arch.ARM64], []ocispec.Descriptor{entry(s.Manifests[arch.ARM64])}, nil
		}, "gadget1"},
		"a tag": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			return s.Root, []ocispec.Descriptor{entry(s.Root, refName, "v1")}, nil
		}, "gadget1:v1"},
		"its name for a tag": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			return s.Root, []ocispec.Descriptor{entry(s.Root, refName, "gadget1")}, nil
		}, "gadget1"},
		"BuildKit, with a statement next to the platforms": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor,
			[]string,
		) {
			statement := entry(s.document(s.Manifests[arch.AMD64]), "vnd.docker.reference.type", "attestation-manifest",
				"vnd.docker.reference.digest", s.Manifests[arch.AMD64].Digest.String())
			statement.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
			platform := s.Manifests[arch.AMD64]
			platform.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
			root := s.index(platform, statement)
			return root, []ocispec.Descriptor{entry(root, "io.containerd.image.name", "r.example/g:v1", refName, "v1")}, nil
		}, "r.example/g:v1"},
		"ig, with the platforms next to the index": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			all := []ocispec.Descriptor{
				entry(s.Manifests[arch.AMD64]), entry(s.Manifests[arch.ARM64]), entry(s.Root, refName, "r.example/g:v1"),
			}
			return s.Root, all, nil
		}, "r.example/g:v1"},
		"oras, with documents of all": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			platform := s.Manifests[arch.ARM64]
			one, two := s.document(s.Root), s.document(platform)
			three := s.document(two)
			all := []ocispec.Descriptor{entry(s.Root, refName, "v1"), entry(platform), three, two, one}
			return s.Root, all, []string{refers(s.Root, one, ""), refers(platform, two, ""), refers(two, three, "")}
		}, "gadget1:v1"},
		"regctl, with lists of referrers": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			platform := s.Manifests[arch.ARM64]
			one, two, sig := s.document(s.Root), s.document(platform), registrytest.NewArtifact(s.t, 2, 10)
			s.add(sig.Blobs...)
			all := []ocispec.Descriptor{
				entry(s.index(one), refName, tagOf(s.Root)), entry(s.index(two), refName, tagOf(platform)),
				entry(sig.Root, refName, tagOf(platform)+".sig"), entry(s.Root, refName, "v1"),
			}
			return s.Root, all, []string{
				refers(s.Root, one, ""), refers(platform, two, ""), refers(platform, sig.Root, tagOf(platform)+".sig"),
			}
		}, "gadget1:v1"},
		"cosign, with signatures by kind": {func(s *shaped) (ocispec.Descriptor, []ocispec.Descriptor, []string) {
			sig := registrytest.NewArtifact(s.t, 2, 10)
			s.add(sig.Blobs...)
			all := []ocispec.Descriptor{
				entry(s.Root, "kind", "dev.cosignproject.cosign/imageIndex"),
				entry(sig.Root, "kind", "dev.cosignproject.cosign/sigs"),
			}
			return s.Root, all, []string{refers(s.Root, sig.Root, tagOf(s.Root)+".sig")}
		}, "gadget1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShaped(t)
			root, entries, referrers := tc.write(s)
			writeIndex(t, s.dir, entries...)
			if got := s.only(root, referrers...); got != tc.want {
				t.Errorf("the name is %q, want %q", got, tc.want)
			}
		})
	}
}
