package registry_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// TestWithoutPing: of a registry on this machine that wants neither TLS nor
// authentication nothing is asked but what is to be read.
func TestWithoutPing(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 1, 1000)
	pushTo(t, srv.Addr, a)
	for name, c := range map[string]struct {
		fault    registrytest.Fault // of the first request for the tag
		requests int
	}{
		"right":  {registrytest.Fault{}, 2},
		"wrong":  {registrytest.Fault{Status: http.StatusUnauthorized}, 4},
		"broken": {registrytest.Fault{CutRequest: true}, 4},
		"bad":    {registrytest.Fault{Corrupt: true}, 1}, // which is final
	} {
		t.Run(name, func(t *testing.T) {
			proxy := registrytest.NewProxy(t, srv.Addr, func(r *http.Request, n int) registrytest.Fault {
				if r.URL.Path == "/v2/g/manifests/v1" && n == 1 {
					return c.fault
				}
				return registrytest.Fault{}
			})
			client := newClient(t, registry.Options{})
			ref := parse(t, proxy.Addr+"/g:v1")
			root, err := client.Resolve(context.Background(), ref)
			if c.fault.Corrupt {
				checkOutcome(t, err, "it served a manifest with digest")
			} else if err != nil || root.Digest != a.Root.Digest {
				t.Fatalf("Resolve = %v, %v", root, err)
			} else if _, err := oci.ReadBlob(context.Background(), client.Repository(ref), a.Layers[arch.AMD64],
				1000); err != nil {
				t.Fatal(err)
			}
			if got := proxy.Seen(""); got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
		})
	}
}
