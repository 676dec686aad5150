package registry_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// What one client pushes the other pulls, with the same digest.
func TestCrane(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 1, 1000)
	pushTo(t, srv.Addr, a)
	if got, err := crane.Digest(srv.Addr + "/g:v1"); err != nil || got != a.Root.Digest.String() {
		t.Errorf("crane digest = %s, %v; want %s", got, err, a.Root.Digest)
	}
	if err := crane.Copy(srv.Addr+"/g:v1", srv.Addr+"/copy:v2"); err != nil {
		t.Fatal(err)
	}
	pushCrane(t, a.Layout(t), srv.Addr+"/crane:v1")
	c := newClient(t, registry.Options{})
	for _, name := range []string{"/copy:v2", "/crane:v1"} {
		pullWhole(t, c, parse(t, srv.Addr+name), a)
	}
}

func TestSkopeo(t *testing.T) {
	skopeo := registrytest.Program(t, registrytest.SkopeoEnv, "skopeo")
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 1, 1000)
	pushTo(t, srv.Addr, a)
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(skopeo, append([]string{"--insecure-policy"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("skopeo %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	theirs := filepath.Join(t.TempDir(), "theirs")
	run("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "docker://"+srv.Addr+"/g:v1", "oci:"+theirs+":v1")
	run("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "oci:"+theirs+":v1", "docker://"+srv.Addr+
		"/skopeo:v1")
	c := newClient(t, registry.Options{})
	s := pullWhole(t, c, parse(t, srv.Addr+"/skopeo:v1"), a)
	// Our store is a layout to them.
	raw := run("inspect", "--raw", "oci:"+s.Dir()+":example.com/g:v1")
	if !strings.Contains(raw, a.Manifests[arch.ARM64].Digest.String()) {
		t.Errorf("skopeo reads of the store: %s", raw)
	}
	run("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "oci:"+s.Dir()+":example.com/g:v1", "docker://"+
		srv.Addr+"/again:v1")
	pullWhole(t, c, parse(t, srv.Addr+"/again:v1"), a)
}

// pullWhole pulls ref into a new store and compares it with a.
func pullWhole(t *testing.T, c *registry.Client, ref registry.Reference, a *registrytest.Artifact) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	root, err := c.Resolve(ctx, ref)
	if err != nil || root.Digest != a.Root.Digest {
		t.Fatalf("Resolve(%s) = %v, %v; want %s", ref, root, err, a.Root.Digest)
	}
	if err := s.Put(ctx, c.Repository(ref), root, "example.com/g:v1", nil); err != nil {
		t.Fatal(err)
	}
	for _, b := range a.Blobs {
		if _, err := oci.ReadBlob(ctx, s, b.Descriptor, 1<<20); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	return s
}

func pushCrane(t *testing.T, dir, target string) {
	t.Helper()
	idx := layoutIndex(t, dir)
	ref, err := name.ParseReference(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, idx); err != nil {
		t.Fatal(err)
	}
}

// layoutIndex is the index in a layout of one artifact.
func layoutIndex(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := top.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	idx, err := top.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return idx
}
