package registry_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

const statement = "application/vnd.in-toto+json"

// Debian's docker-registry has no referrers API; go-containerregistry's server,
// in memory, represents one that has it.
func referrerServers(t *testing.T) map[string]string {
	t.Helper()
	srv := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return map[string]string{
		"with the API":    strings.TrimPrefix(srv.URL, "http://"),
		"without the API": registrytest.Start(t, registrytest.Config{}).Addr,
	}
}

func TestAttachAndList(t *testing.T) {
	for name, addr := range referrerServers(t) {
		t.Run(name, func(t *testing.T) {
			c, ctx := newClient(t, registry.Options{}), context.Background()
			ref := parse(t, addr+"/gadgets/one:v1")
			a := registrytest.NewArtifact(t, 1, 1000)
			if _, err := c.Push(ctx, registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref}); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Referrers(ctx, ref, a.Root.Digest, ""); err != nil || len(got) != 0 {
				t.Fatalf("before: %v, %v; want none", got, err)
			}
			docs := []registry.Document{
				{MediaType: statement, Data: []byte(`{"a":1}`)},
				{MediaType: "application/spdx+json", Data: []byte(`{"b":2}`)},
			}
			for range 2 { // attaching again changes nothing
				for _, doc := range docs {
					if _, err := c.Attach(ctx, ref, a.Root, doc); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got, err := c.Referrers(ctx, ref, a.Root.Digest, ""); err != nil || len(got) != len(docs) {
				t.Fatalf("all: %v, %v; want %d", got, err, len(docs))
			}
			if name == "with the API" {
				return // The server in memory lists the config's type in place of the artifact's.
			}
			got, err := c.Referrers(ctx, ref, a.Root.Digest, statement)
			if err != nil || len(got) != 1 {
				t.Fatalf("statements: %v, %v; want one", got, err)
			}
			data, err := oci.ReadBlob(ctx, c.Repository(ref), got[0], oci.MaxManifest)
			if err != nil || !bytes.Contains(data, []byte(digest.FromBytes(docs[0].Data))) {
				t.Errorf("its manifest is %s, %v; want one that names the statement", data, err)
			}
		})
	}
}

func TestReferrerManifestDeterministic(t *testing.T) {
	subject := oci.Describe("application/vnd.oci.image.index.v1+json", []byte("index"))
	doc := registry.Document{MediaType: statement, Data: []byte("{}"), Annotations: map[string]string{"b": "2", "a": "1"}}
	_, one, err := registry.ReferrerManifest(subject, doc)
	if err != nil {
		t.Fatal(err)
	}
	subject.Annotations = map[string]string{"not": "part of a subject"}
	_, two, err := registry.ReferrerManifest(subject, doc)
	if err != nil || one.Digest != two.Digest {
		t.Errorf("digests %s and %s, %v; want the same", one.Digest, two.Digest, err)
	}
	doc.Data = []byte("[]")
	if _, three, err := registry.ReferrerManifest(subject, doc); err != nil || three.Digest == one.Digest {
		t.Errorf("another document has the digest %s, %v", three.Digest, err)
	}
}
