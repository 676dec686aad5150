package registry_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// newClient returns a client that reads no file of the machine.
func newClient(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	if o.Config == nil {
		o.Config = &registry.Config{}
	}
	o.Log = func(line string) { t.Log(line) }
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t *testing.T, s string) registry.Reference {
	t.Helper()
	r, err := registry.ParseReference(s, registry.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPushAndRead(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	c := newClient(t, registry.Options{})
	a := registrytest.NewArtifact(t, 1, 100_000)
	ref := parse(t, srv.Addr+"/gadgets/one:v1")
	ctx := context.Background()
	q := registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref, Tags: []string{"v1", "latest"}}

	dry := q
	dry.DryRun = true
	if res, err := c.Push(ctx, dry); err != nil || res.Uploaded != 6 || len(res.Moved) != 2 {
		t.Fatalf("dry run: %+v, %v; want 6 uploads and 2 tags", res, err)
	}
	if _, err := c.Resolve(ctx, ref); !errors.Is(err, oci.ErrNotFound) {
		t.Fatalf("after a dry run Resolve = %v, want ErrNotFound", err)
	}
	res, err := c.Push(ctx, q)
	if err != nil || res.Uploaded != 6 || res.Existing != 0 {
		t.Fatalf("push: %+v, %v; want 6 uploads", res, err)
	}
	if want := srv.Addr + "/gadgets/one@" + a.Root.Digest.String(); res.Reference != want {
		t.Errorf("reference = %q, want %q", res.Reference, want)
	}
	again, err := c.Push(ctx, q)
	if err != nil || !again.Unchanged() || !strings.Contains(again.Summary(), "nothing uploaded") {
		t.Errorf("second push: %+v, %v; want no upload", again, err)
	}
	for _, s := range []string{":v1", ":latest", "@" + a.Root.Digest.String(), ":v1@" + a.Root.Digest.String()} {
		d, err := c.Resolve(ctx, parse(t, srv.Addr+"/gadgets/one"+s))
		if err != nil || d.Digest != a.Root.Digest || d.Size != a.Root.Size || d.MediaType != a.Root.MediaType {
			t.Errorf("Resolve(%q) = %v, %v; want %v", s, d, err, a.Root)
		}
	}
	r, err := c.Repository(ref).Open(ctx, a.Layers[arch.ARM64])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != 100_000 {
		t.Errorf("reading a layer: %d, %v", n, err)
	}
}

func TestPushMountsFromSecondRepository(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	c := newClient(t, registry.Options{})
	a := registrytest.NewArtifact(t, 2, 1000)
	for i, name := range []string{"/one", "/two"} {
		res, err := c.Push(context.Background(), registry.PushRequest{
			Blobs: a, Root: a.Root, Repository: parse(t, srv.Addr+name), Tags: []string{"v1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := 3 * i; res.Mounted != want {
			t.Errorf("push %d: %d mounted, want %d (%+v)", i, res.Mounted, want, res)
		}
	}
}

func TestPushOfOneArchitecture(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	c := newClient(t, registry.Options{})
	a := registrytest.NewArtifact(t, 3, 1000)
	part := oci.Memory{}
	for d, data := range a.Memory {
		part[d] = data
	}
	delete(part, a.Manifests[arch.ARM64].Digest)
	delete(part, a.Layers[arch.ARM64].Digest)
	q := registry.PushRequest{Blobs: part, Root: a.Root, Repository: parse(t, srv.Addr+"/g"), Tags: []string{"v1"}}
	_, err := c.Push(context.Background(), q)
	if err == nil || !strings.Contains(err.Error(),
		"(linux/arm64) is neither here nor in the registry, pull the artifact with --all-platforms") {
		t.Errorf("push = %v, want the advice to pull all platforms", err)
	}
	// Where the registry has the rest, nothing is missing.
	pushTo(t, srv.Addr, a)
	q.Tags = []string{"v2"}
	if res, err := c.Push(context.Background(), q); err != nil || len(res.Moved) != 1 {
		t.Errorf("push of what is there = %+v, %v", res, err)
	}
}
