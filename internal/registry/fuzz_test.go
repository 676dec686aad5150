package registry_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// FuzzChildren: what a manifest names is fit to be requested.
func FuzzChildren(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":1}],"config":{}}`))
	f.Add([]byte(`{"layers":[{"size":-1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := registry.Children(data)
		if err != nil {
			return
		}
		if len(all) > 1024 {
			t.Errorf("%d children are accepted", len(all))
		}
		for _, d := range all {
			if d.Size < 0 || d.Digest.Validate() != nil {
				t.Errorf("%+v is accepted", d)
			}
		}
	})
}

// FuzzNextPage: a registry cannot send a client, and its credentials, to
// another host.
func FuzzNextPage(f *testing.F) {
	f.Add(`</v2/x/referrers/y?n=1>; rel="next"`)
	f.Add(`<http://elsewhere.example/>; rel="next"`)
	f.Add(`<//elsewhere.example/x>; rel="next", <x>; rel="prev"`)
	f.Fuzz(func(t *testing.T, link string) {
		at, err := url.Parse("https://registry.example/v2/x/referrers/y")
		if err != nil {
			t.Fatal(err)
		}
		next := registry.NextPage(&http.Response{Header: http.Header{"Link": {link}}, Request: &http.Request{URL: at}})
		if next == "" {
			return
		}
		if u, err := url.Parse(next); err != nil || u.Host != at.Host {
			t.Errorf("%q leads to %q, %v", link, next, err)
		}
	})
}

// FuzzParseHelper reads what credential helpers answer.
func FuzzParseHelper(f *testing.F) {
	f.Add([]byte(`{"ServerURL":"https://x","Username":"a","Secret":"b"}`))
	f.Add([]byte(`{"Username":"<token>","Secret":"b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := registry.ParseHelper(data)
		if err == nil && c.Username == "" && c.Password == "" && c.IdentityToken == "" {
			t.Errorf("%q is accepted and says nothing", data)
		}
	})
}
