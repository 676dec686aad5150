package registry_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

func TestCopyReferrers(t *testing.T) {
	for name, target := range referrerServers(t) {
		t.Run(name, func(t *testing.T) {
			from := registrytest.Start(t, registrytest.Config{}).Addr
			a := registrytest.NewArtifact(t, 1, 1000)
			pushTo(t, from, a)
			c, ctx := newClient(t, registry.Options{}).WithShortTimeouts(), context.Background()
			src, dst := parse(t, from+"/g:v1"), parse(t, target+"/copy:v2")
			if _, err := c.Attach(ctx, src, a.Root,
				registry.Document{MediaType: statement, Data: []byte(`{"a":1}`)}); err != nil {
				t.Fatal(err)
			}
			// What cosign 2 leaves under a tag; any image will do.
			sig := registrytest.NewArtifact(t, 2, 10)
			tag := strings.Replace(a.Root.Digest.String(), ":", "-", 1) + ".sig"
			if _, err := c.Push(ctx, registry.PushRequest{
				Blobs: sig, Root: sig.Root, Repository: src,
				Tags: []string{tag},
			}); err != nil {
				t.Fatal(err)
			}
			got, err := c.Copy(ctx, src, dst)
			if err != nil || got.Referrers != 2 || got.Digest != a.Root.Digest.String() {
				t.Fatalf("Copy = %+v, %v; want 2 along", got, err)
			}
			pullWhole(t, c, dst, a)
			list, err := c.Referrers(ctx, dst, a.Root.Digest, "")
			if err != nil || len(list) != 1 {
				t.Fatalf("referrers of the copy: %v, %v", list, err)
			}
			if _, err := oci.ReadBlob(ctx, c.Repository(dst), list[0], 1<<20); err != nil {
				t.Error(err)
			}
			at := dst
			at.Tag = tag
			if d, err := c.Resolve(ctx, at); err != nil || d.Digest != sig.Root.Digest {
				t.Errorf("the signature's tag: %v, %v", d, err)
			}
			wrong := dst
			wrong.Tag, wrong.Digest = "", sig.Root.Digest.String()
			if _, err := c.Copy(ctx, src, wrong); err == nil {
				t.Error("a copy to another digest succeeded")
			}
		})
	}
}
