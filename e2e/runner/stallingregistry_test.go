package runner_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

const (
	servedGadgets = 10
	maxStall      = 500 * time.Millisecond
)

// stallingRegistry is a real registry, with gadgets of which two at a time have the
// same object. It pauses in the middle of each blob that it serves, so that there
// is time to kill who reads it.
type stallingRegistry struct {
	gadgets []servedGadget
	// served counts the blobs, resumed those of which only the rest was requested.
	served, resumed atomic.Int64
}

// servedGadget is a gadget in a stallingRegistry.
type servedGadget struct {
	repository, digest string
	object, wasm       []byte
}

// newStallingRegistry starts a registry in which each gadget has all the tags.
func newStallingRegistry(t *testing.T, tags ...string) *stallingRegistry {
	t.Helper()
	r := &stallingRegistry{}
	srv := registrytest.Start(t, registrytest.Config{})
	proxy := registrytest.NewProxy(t, srv.Addr, r.stall)
	object := gadgettest.File(t, "open.bpf.o")
	for i := range servedGadgets {
		repository := fmt.Sprintf("/stalling/gadget%d", i)
		g := servedGadget{
			repository: proxy.Addr + repository,
			object:     noise(object, byte(i/2), 50_000+400_000*(i/2)),
			wasm:       noise([]byte("\x00asm\x01\x00\x00\x00"), byte(servedGadgets+i), 60_000+200_000*i),
		}
		g.push(t, srv.Addr+repository, tags)
		r.gadgets = append(r.gadgets, g)
	}
	return r
}

// stall pauses in the middle of a blob.
func (r *stallingRegistry) stall(req *http.Request, _ int) registrytest.Fault {
	if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
		return registrytest.Fault{}
	}
	r.served.Add(1)
	if req.Header.Get("Range") != "" {
		r.resumed.Add(1)
	}
	return registrytest.Fault{Stall: 1 + rand.N(maxStall)}
}

// push puts the gadget, and a document about it, into a repository.
func (g *servedGadget) push(t *testing.T, repository string, tags []string) {
	t.Helper()
	ref, err := registry.ParseReference(repository, registry.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := gadget.BuildManifest(gadget.ManifestInput{Arch: arch.Host(), Object: g.object, Wasm: g.wasm})
	if err != nil {
		t.Fatal(err)
	}
	index, err := gadget.BuildIndex([]gadget.Built{m})
	if err != nil {
		t.Fatal(err)
	}
	g.digest = index.Descriptor.Digest.String()
	manifests := []oci.Blob{{Descriptor: m.Descriptor, Data: m.Data}, {Descriptor: index.Descriptor, Data: index.Data}}
	if _, err := client.Push(t.Context(), registry.PushRequest{
		Blobs: oci.NewMemory(append(manifests, m.Blobs...)...), Root: index.Descriptor, Repository: ref, Tags: tags,
	}); err != nil {
		t.Fatal(err)
	}
	about := registry.Document{MediaType: "text/plain", Data: []byte(repository)}
	if _, err := client.Attach(t.Context(), ref, index.Descriptor, about); err != nil {
		t.Fatal(err)
	}
}

// unpacked checks that the directory has the files of the gadget.
func (g *servedGadget) unpacked(t *testing.T, dir string) {
	t.Helper()
	object := "program." + arch.Host().String() + ".bpf.o"
	for name, want := range map[string][]byte{object: g.object, "program.wasm": g.wasm} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s of %s has %d bytes, want %d others (%v)", name, g.repository, len(got), len(want), err)
		}
	}
}

// noise returns bytes that do not compress, after a head that makes them a file
// of some kind.
func noise(head []byte, seed byte, size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	copy(data, head)
	return data
}
