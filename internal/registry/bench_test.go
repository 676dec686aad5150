package registry_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// The benchmarks move whole artifacts, of all platforms, since that is what
// the other tools do.
const (
	benchLayer = 1 << 20
	benchMany  = 200
)

// benchServer has many artifacts, named g0, g1 and so on.
func benchServer(b *testing.B, n int) (*registrytest.Server, []*registrytest.Artifact) {
	b.Helper()
	srv := registrytest.Start(b, registrytest.Config{})
	c := benchClient(b)
	var all []*registrytest.Artifact
	for i := range n {
		a := registrytest.NewArtifact(b, uint64(i), benchLayer)
		ref := registry.Reference{Registry: srv.Addr, Repository: fmt.Sprintf("g%d", i)}
		if _, err := c.Push(context.Background(), registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref, Tags: []string{"v1"}}); err != nil {
			b.Fatal(err)
		}
		all = append(all, a)
	}
	return srv, all
}

func benchClient(b *testing.B) *registry.Client {
	b.Helper()
	c, err := registry.New(registry.Options{Config: &registry.Config{}, AuthFile: filepath.Join(b.TempDir(), "none")})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func BenchmarkPull(b *testing.B) {
	for _, n := range []int{1, benchMany} {
		srv, _ := benchServer(b, n)
		for tool, pull := range map[string]func(*testing.B, string, int){"ours": pullOurs, "crane": pullCrane, "skopeo": pullSkopeo} {
			b.Run(fmt.Sprintf("artifacts=%d/%s", n, tool), func(b *testing.B) {
				for b.Loop() {
					pull(b, srv.Addr, n)
				}
			})
		}
	}
}

func pullOurs(b *testing.B, addr string, n int) {
	s, err := store.Open(filepath.Join(b.TempDir(), "state"))
	if err != nil {
		b.Fatal(err)
	}
	c := benchClient(b)
	var group errgroup.Group
	group.SetLimit(4) // as image pull does
	for i := range n {
		group.Go(func() error {
			ref := registry.Reference{Registry: addr, Repository: fmt.Sprintf("g%d", i), Tag: "v1"}
			root, err := c.Resolve(context.Background(), ref)
			if err != nil {
				return err
			}
			return s.Put(context.Background(), c.Repository(ref), root, ref.String(), nil)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

func pullCrane(b *testing.B, addr string, n int) {
	path, err := layout.Write(filepath.Join(b.TempDir(), "layout"), empty.Index)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		img, err := crane.Get(fmt.Sprintf("%s/g%d:v1", addr, i))
		if err != nil {
			b.Fatal(err)
		}
		idx, err := img.ImageIndex()
		if err == nil {
			err = path.AppendIndex(idx)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func pullSkopeo(b *testing.B, addr string, n int) {
	skopeo := registrytest.Program(b, registrytest.SkopeoEnv, "skopeo")
	dir := b.TempDir()
	for i := range n {
		out, err := exec.Command(skopeo, "--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false",
			fmt.Sprintf("docker://%s/g%d:v1", addr, i), fmt.Sprintf("oci:%s:g%d", dir, i)).CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

func BenchmarkPush(b *testing.B) {
	a := registrytest.NewArtifact(b, 1, benchLayer)
	dir := filepath.Join(b.TempDir(), "layout")
	if err := oci.WriteLayout(dir, a.Root, a.Blobs); err != nil {
		b.Fatal(err)
	}
	srv := registrytest.Start(b, registrytest.Config{})
	// Each turn goes to a repository of its own, so that nothing is there.
	turn := 0
	target := func() string { turn++; return fmt.Sprintf("p%d", turn) }
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			ref := registry.Reference{Registry: srv.Addr, Repository: target()}
			if _, err := benchClient(b).Push(context.Background(), registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref, Tags: []string{"v1"}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("crane", func(b *testing.B) {
		for b.Loop() {
			pushCrane(b, dir, srv.Addr+"/"+target()+":v1")
		}
	})
	b.Run("skopeo", func(b *testing.B) {
		skopeo := registrytest.Program(b, registrytest.SkopeoEnv, "skopeo")
		for b.Loop() {
			out, err := exec.Command(skopeo, "--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false",
				"oci:"+dir, "docker://"+srv.Addr+"/"+target()+":v1").CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}

func pushCrane(tb testing.TB, dir, target string) {
	tb.Helper()
	idx := layoutIndex(tb, dir)
	ref, err := name.ParseReference(target)
	if err != nil {
		tb.Fatal(err)
	}
	if err := remote.WriteIndex(ref, idx); err != nil {
		tb.Fatal(err)
	}
}

// layoutIndex is the index in a layout of one artifact.
func layoutIndex(tb testing.TB, dir string) v1.ImageIndex {
	tb.Helper()
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := top.IndexManifest()
	if err != nil {
		tb.Fatal(err)
	}
	idx, err := top.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		tb.Fatal(err)
	}
	return idx
}
