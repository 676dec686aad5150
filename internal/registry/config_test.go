package registry_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

func TestMirrorsInOrder(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 1, 1000)
	pushTo(t, srv.Addr, a)
	broken := registrytest.NewProxy(t, srv.Addr, onAll(always, registrytest.Fault{Status: 404}))
	works := registrytest.NewProxy(t, srv.Addr, onAll(0, registrytest.Fault{}))
	unused := registrytest.NewProxy(t, srv.Addr, onAll(0, registrytest.Fault{}))
	cfg, err := registry.ParseConfig([]byte(`
unqualified-search-registries = ["ignored.example"]
default-registry = "registry.invalid"
default-prefix = "team"

[[registry]]
prefix = "registry.invalid/team"
location = "registry.invalid/elsewhere"

[[registry.mirror]]
location = "127.0.0.1:1/gone"
[[registry.mirror]]
location = "` + broken.Addr + `"
[[registry.mirror]]
location = "` + works.Addr + `"
[[registry.mirror]]
location = "` + unused.Addr + `"
`))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, registry.Options{Config: cfg}).WithShortTimeouts()
	ref, err := registry.ParseReference("g:v1", c.Defaults())
	if err != nil || ref.Name() != "registry.invalid/team/g" {
		t.Fatalf("reference %v, %v", ref, err)
	}
	d, err := c.Resolve(context.Background(), ref)
	if err != nil || d.Digest != a.Root.Digest {
		t.Errorf("Resolve = %v, %v", d, err)
	}
	if broken.Seen("GET") == 0 || works.Seen("GET /v2/g/") == 0 || unused.Seen("GET") > 0 {
		t.Errorf("mirrors saw %d, %d, %d requests", broken.Seen("GET"), works.Seen("GET /v2/g/"), unused.Seen("GET"))
	}
	// A push never goes to a mirror.
	_, err = c.Push(context.Background(), registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref})
	if err == nil || !strings.Contains(err.Error(), "registry.invalid") || works.Seen("POST") > 0 {
		t.Errorf("push = %v, want one that fails at registry.invalid", err)
	}
}

func TestBlockedRegistry(t *testing.T) {
	cfg, err := registry.ParseConfig([]byte("[[registry]]\nprefix = \"*.evil.example\"\nblocked = true\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, registry.Options{Config: cfg})
	_, err = c.Resolve(context.Background(), parse(t, "a.evil.example/x"))
	if err == nil || !strings.Contains(err.Error(), "blocked by the registries configuration") {
		t.Errorf("Resolve = %v", err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, text := range []string{
		"[[registry]]\ninsecure = true\n",
		"[[registry]]\nprefix = \"a.b\"\n[[registry.mirror]]\nlocation = \"bad host/x\"\n",
		"registry = 1\n",
		"= 1",
		strings.Repeat("#", 2<<20),
	} {
		if cfg, err := registry.ParseConfig([]byte(text)); err == nil {
			t.Errorf("ParseConfig(%.40q) = %v, want an error", text, cfg)
		}
	}
}

func TestHostConfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "")
	write := func(tool, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, tool), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, tool, "registries.conf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want string) {
		t.Helper()
		cfg, err := registry.HostConfig()
		if err != nil || cfg.DefaultRegistry != want {
			t.Errorf("HostConfig = %+v, %v; want the default registry %q", cfg, err, want)
		}
	}
	write("containers", `default-registry = "containers.example"`)
	check("containers.example")
	write("gadget-run", `default-registry = "ours.example"`)
	check("ours.example")
	other := filepath.Join(dir, "other.conf")
	if err := os.WriteFile(other, []byte("x = ["), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(registry.ConfigEnv, other)
	if _, err := registry.HostConfig(); err == nil || !strings.Contains(err.Error(), other) {
		t.Errorf("a broken configuration: %v, want an error that names the file", err)
	}
}

// FuzzParseConfig checks that no configuration panics, also when it is used.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("[[registry]]\nprefix = \"a.b/c\"\nlocation = \"d.e\"\n[[registry.mirror]]\nlocation = \"f.g/h\"\n"))
	f.Add([]byte("default-registry = \"x\"\ndefault-prefix = \"/y/\"\n"))
	f.Add([]byte("[[registry]]\nprefix = \"*.a\"\nblocked = true\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		cfg, err := registry.ParseConfig(data)
		if err != nil {
			return
		}
		_, _ = registry.ParseReference("a.b/c/d", cfg.Defaults())
		c, err := registry.New(registry.Options{Config: cfg, AuthFile: "/absent"})
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = c.Resolve(ctx, registry.Reference{Registry: "a.b", Repository: "c/d", Tag: "e"})
	})
}
