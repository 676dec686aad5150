package imagecmd_test

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// annotated is an artifact in a registry whose manifests have referrers.
type annotated struct {
	t      *testing.T
	client *registry.Client
	ref    registry.Reference
	art    *registrytest.Artifact
}

// annotate pushes an artifact with a document about the index, and one about each
// platform's manifest, which is signed, in either way.
func annotate(t *testing.T, addr string) *annotated {
	t.Helper()
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &annotated{t, client, reference(t, addr+"/source/g:v1"), registrytest.NewArtifact(t, 1, 1000)}
	a.push(a.art, a.ref.Tag)
	a.attach(a.art.Root)
	for i, d := range slices.Concat([]ocispec.Descriptor{a.art.Root}, a.platforms()) {
		if i > 0 {
			a.attach(a.attach(d)) // and about that document
		}
		for j, ending := range []string{".sig", ".att", ".sbom"} {
			a.push(registrytest.NewArtifact(t, uint64(10+3*i+j), 10), strings.Replace(d.Digest.String(), ":", "-", 1)+ending)
		}
	}
	return a
}

func reference(t *testing.T, text string) registry.Reference {
	t.Helper()
	ref, err := registry.ParseReference(text, registry.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (a *annotated) platforms() []ocispec.Descriptor {
	var all []ocispec.Descriptor
	for _, d := range a.art.Manifests {
		all = append(all, d)
	}
	return all
}

func (a *annotated) push(art *registrytest.Artifact, tag string) {
	a.t.Helper()
	q := registry.PushRequest{Blobs: art, Root: art.Root, Repository: a.ref, Tags: []string{tag}}
	if _, err := a.client.Push(a.t.Context(), q); err != nil {
		a.t.Fatal(err)
	}
}

func (a *annotated) attach(subject ocispec.Descriptor) ocispec.Descriptor {
	a.t.Helper()
	doc := registry.Document{MediaType: attest.SPDXMediaType, Data: []byte(`{"about":"` + subject.Digest.String() + `"}`)}
	_, root, err := registry.ReferrerManifest(subject, doc)
	if err == nil {
		_, err = a.client.Attach(a.t.Context(), a.ref, subject, doc)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return root
}

// about lists what a registry has about manifests, and holds that all of it can be
// read.
func (a *annotated) about(ref registry.Reference, manifests ...ocispec.Descriptor) []string {
	a.t.Helper()
	var subjects []digest.Digest
	for _, d := range manifests {
		subjects = append(subjects, d.Digest)
	}
	found, err := a.client.AllReferrers(a.t.Context(), ref, subjects...)
	if err != nil {
		a.t.Fatal(err)
	}
	var all []string
	for _, c := range found {
		all = append(all, c.Subject.String()+" "+c.Root.Digest.String()+" "+c.Tag)
		r, err := a.client.Repository(ref).Open(a.t.Context(), c.Root)
		if err != nil {
			a.t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			a.t.Error(err)
		}
		_ = r.Close()
	}
	slices.Sort(all)
	return all
}

// TestReferrersOfPlatforms: what is about the manifest of a platform, or about
// another document, goes the same ways as what is about the artifact: through a
// pull and a push, through archives, and with a copy.
func TestReferrersOfPlatforms(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	modern := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(modern.Close)
	for name, addr := range map[string]string{
		"with the API":    strings.TrimPrefix(modern.URL, "http://"),
		"without the API": registrytest.Start(t, registrytest.Config{}).Addr,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testReferrers(t, annotate(t, addr), addr)
		})
	}
}

// testReferrers copies in all ways at the same time: what is about a manifest waits, in a
// registry without the API, to see whether its change of a tag stays.
func testReferrers(t *testing.T, a *annotated, addr string) {
	whole := append(a.platforms(), a.art.Root)
	want := a.about(a.ref, whole...)
	if len(want) != 14 {
		t.Fatalf("%d things are about the source: %q", len(want), want)
	}
	src := a.ref.String()
	way := func(name string, do func(a *annotated, target, dir string)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(&annotated{t, a.client, a.ref, a.art}, addr+"/"+name+"/g:v1", t.TempDir())
		})
	}
	way("pushed", func(a *annotated, target, dir string) { // through the store, and what is there stays
		a.check(target, want, whole, dir,
			"pull --all-platforms "+src, "prune", "fsck", "tag "+src+" "+target, "push "+target)
		// A store is a layout, too.
		store := strings.Replace(target, "pushed", "store", 1)
		a.check(store, want, whole, dir, "copy oci:"+filepath.Join(dir, "state")+":"+src+" "+store)
	})
	for _, form := range []string{"archive", "directory"} {
		way(form, func(a *annotated, target, dir string) {
			to := filepath.Join(dir, "g.tar")
			if form == "directory" {
				to = a.t.TempDir()
			}
			a.check(target, want, whole, dir, "pull --all-platforms "+src, "save -o "+to+" "+src, "rm "+src,
				"load --tag "+target+" "+to, "push "+target)
			copied := strings.Replace(target, form, form+"-copied", 1)
			a.check(copied, want, whole, dir, "copy "+to+" "+copied)
		})
	}
	way("copied", func(a *annotated, target, dir string) {
		a.check(target, want, whole, dir, "copy "+src+" "+target)
	})
	way("one", func(a *annotated, target, dir string) { // of one platform, what is about it; it is about nothing else
		one := a.platforms()[0]
		for name, d := range a.art.Manifests {
			if d.Digest == one.Digest {
				a.check(target, a.about(a.ref, one), whole, dir, "pull --platform linux/"+name.String()+" "+src,
					"tag "+src+" "+target, "push --platform linux/"+name.String()+" "+target)
			}
		}
	})
}

// check runs image commands and compares what is about manifests at their target.
func (a *annotated) check(target string, want []string, manifests []ocispec.Descriptor, dir string,
	commands ...string,
) {
	a.t.Helper()
	for _, c := range commands {
		a.run(dir, c)
	}
	if got := a.about(reference(a.t, target), manifests...); !slices.Equal(got, want) {
		a.t.Errorf("after %q:\n%s\nwant\n%s", commands, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (a *annotated) run(dir, command string) {
	a.t.Helper()
	var out bytes.Buffer
	args := append([]string{"--state", filepath.Join(dir, "state"), "image"}, strings.Fields(command)...)
	if err := run(args, strings.NewReader(""), &out, &out); err != nil {
		a.t.Fatalf("%s: %v\n%s", command, err, &out)
	}
	if strings.Contains(out.String(), "not all") {
		a.t.Errorf("%s says %s", command, &out)
	}
}
