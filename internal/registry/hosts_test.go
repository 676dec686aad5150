package registry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// TestHosts: mirrors come first, a location may have a path, a table about a
// part of a registry does not count, and a blocked registry is an error.
func TestHosts(t *testing.T) {
	cfg, err := registry.ParseConfig([]byte(`
[[registry]]
prefix = "one.example"
[[registry.mirror]]
location = "mirror.example/cache/one"
insecure = true

[[registry]]
prefix = "two.example/part"
location = "elsewhere.example"

[[registry]]
prefix = "three.example"
blocked = true
`))
	if err != nil {
		t.Fatal(err)
	}
	client, err := registry.New(registry.Options{Config: cfg, InsecureRegistries: []string{"two.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]registry.Host{
		"one.example": {
			{Address: "mirror.example", Path: "cache/one", Insecure: true, Mirror: true},
			{Address: "one.example"},
		},
		"two.example": {{Address: "two.example", Insecure: true}},
		"docker.io":   {{Address: "index.docker.io"}},
	} {
		got, err := client.Hosts(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(registry.Host{}, "TLS")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := client.Hosts("three.example"); err == nil {
		t.Error("a blocked registry has hosts")
	}
}
