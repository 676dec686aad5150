package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
)

func TestFetchFirstValid(t *testing.T) {
	blob := oci.NewBlob("x", []byte("the content"))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials were sent")
		}
		switch r.URL.Path {
		case "/right":
			_, _ = w.Write(blob.Data)
		case "/wrong":
			_, _ = w.Write([]byte("the c0ntent"))
		case "/long":
			_, _ = w.Write([]byte(strings.Repeat("the content", 1000)))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, registry.Options{}).WithShortTimeouts()
	at := func(paths ...string) []string {
		for i := range paths {
			paths[i] = srv.URL + paths[i]
		}
		return paths
	}
	ctx := context.Background()
	got, err := c.Fetch(ctx, append([]string{"http://127.0.0.1:1/gone"}, at("/absent", "/wrong", "/right")...),
		blob.Descriptor)
	if err != nil || string(got) != "the content" {
		t.Errorf("Fetch = %q, %v", got, err)
	}
	for _, path := range []string{"/absent", "/wrong", "/long"} {
		if got, err := c.Fetch(ctx, at(path), blob.Descriptor); err == nil {
			t.Errorf("%s: Fetch = %q, want an error", path, got)
		}
	}
}
