package registry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// Clients that attach at the same time extend the same list: all are in it
// afterwards, every time.
func TestAttachAtOnce(t *testing.T) {
	addr := registrytest.Start(t, registrytest.Config{}).Addr
	// One client each, as in processes of their own.
	clients := make([]*registry.Client, 5)
	for i := range clients {
		clients[i] = newClient(t, registry.Options{})
	}
	for round := range 12 {
		t.Run(fmt.Sprint("two, round ", round), func(t *testing.T) { attachAtOnce(t, addr, clients[:2]) })
	}
	for round := range 2 {
		t.Run(fmt.Sprint("five, round ", round), func(t *testing.T) { attachAtOnce(t, addr, clients) })
	}
}

func attachAtOnce(t *testing.T, addr string, clients []*registry.Client) {
	ctx, c := context.Background(), clients[0]
	a := registrytest.NewArtifact(t, 1, 1000)
	ref := parse(t, addr+"/"+strings.ToLower(strings.ReplaceAll(t.Name(), ",", "")))
	if _, err := c.Push(ctx, registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref}); err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for i, c := range clients {
		group.Go(func() error {
			_, err := c.Attach(ctx, ref, a.Root, registry.Document{
				MediaType: statement, Data: fmt.Appendf(nil, `{"writer":%d}`, i),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if list, err := c.Referrers(ctx, ref, a.Root.Digest, ""); err != nil || len(list) != len(clients) {
		t.Errorf("%d referrers are listed, %v; want %d", len(list), err, len(clients))
	}
}

// The change of a tag that another client replaces each time is given up.
func TestEverChangingTag(t *testing.T) {
	addr := registrytest.Start(t, registrytest.Config{}).Addr
	a := registrytest.NewArtifact(t, 1, 10)
	pushTo(t, addr, a)
	c, ctx := newClient(t, registry.Options{}), context.Background()
	n := 0
	err := c.ExtendTag(ctx, parse(t, addr+"/g:contended"), func(ctx context.Context) (oci.Blobs, ocispec.Descriptor,
		error,
	) {
		n++
		other := registrytest.NewArtifact(t, uint64(100+n), 10)
		_, err := c.Push(ctx, registry.PushRequest{
			Blobs: other, Root: other.Root, Repository: parse(t, addr+"/g"), Tags: []string{"contended"},
		})
		return a, a.Root, err
	})
	checkOutcome(t, err, "others replaced the tag contended")
	if d, err := c.Resolve(ctx, parse(t, addr+"/g:contended")); err != nil || d.Digest == a.Root.Digest {
		t.Errorf("the tag is %v, %v: another client's content was replaced", d, err)
	}
}

// What a writer was held up with for too long is not sent.
func TestNotSentTooLate(t *testing.T) {
	addr := registrytest.Start(t, registrytest.Config{}).Addr
	a, b := registrytest.NewArtifact(t, 1, 10), registrytest.NewArtifact(t, 2, 10)
	pushTo(t, addr, a)
	c, ctx, ref := newClient(t, registry.Options{}), context.Background(), parse(t, addr+"/g:v1")
	if _, err := c.Push(ctx, registry.PushRequest{Blobs: b, Root: b.Root, Repository: ref}); err != nil {
		t.Fatal(err)
	}
	if late, err := c.PutLate(ctx, ref, b.Root.MediaType, b.Memory[b.Root.Digest]); !late {
		t.Errorf("PutLate = %v, want that it was held up", err)
	}
	if d, err := c.Resolve(ctx, ref); err != nil || d.Digest != a.Root.Digest {
		t.Errorf("the tag is %v, %v, want it as it was", d, err)
	}
}
