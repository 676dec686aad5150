package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// upload is one gadget with where it goes: one request for each repository, in turn,
// so that the later ones can mount what the first one got.
type upload struct {
	name     string
	layout   *oci.Layout
	requests []registry.PushRequest
}

// open reads what a request uploads, for targets that are parsed before any is touched.
func open(r request, d registry.Defaults) (*upload, error) {
	targets, err := repositories(r, d)
	if err != nil {
		return nil, err
	}
	layout, err := oci.OpenLayout(r.Layout)
	if err != nil {
		return nil, err
	}
	u := &upload{name: r.Name, layout: layout}
	if u.requests, err = requestsFor(r, layout, targets); err != nil {
		layout.Close()
		return nil, err
	}
	return u, nil
}

func requestsFor(r request, layout *oci.Layout, targets []registry.Reference) ([]registry.PushRequest, error) {
	root, err := layout.Root("")
	if err != nil {
		return nil, err
	}
	documents, referrers, err := attestations(root, r.Attestations)
	if err != nil {
		return nil, err
	}
	var requests []registry.PushRequest
	for _, target := range targets {
		requests = append(requests, registry.PushRequest{
			Blobs: both{documents, layout}, Root: root, Referrers: referrers, Repository: target, Tags: r.Tags,
		})
	}
	return requests, nil
}

// differentTags refuses two gadgets that would set the same tag.
func differentTags(uploads []*upload) error {
	taken := map[string]*upload{}
	for _, u := range uploads {
		for _, request := range u.requests {
			for _, tag := range request.Tags {
				name := request.Repository.Name() + ":" + tag
				if other := taken[name]; other != nil && other != u {
					return usageError{fmt.Errorf("gadgets %q and %q would both be %s, give one another repository or tag",
						other.name, u.name, name)}
				}
				taken[name] = u
			}
		}
	}
	return nil
}

// attestations are the manifests of what is said about the artifact. They go
// up before the tags are set, so that no client finds it without them.
func attestations(root ocispec.Descriptor, all []attestation) (oci.Memory, []registry.Referrer, error) {
	blobs := oci.Memory{}
	var referrers []registry.Referrer
	for _, a := range all {
		data, err := os.ReadFile(a.Path)
		if err != nil {
			return nil, nil, fmt.Errorf("reading attestation: %w", err)
		}
		more, d, err := registry.ReferrerManifest(root, registry.Document{MediaType: a.MediaType, Data: data})
		if err != nil {
			return nil, nil, fmt.Errorf("attaching %s: %w", a.MediaType, err)
		}
		maps.Copy(blobs, more)
		referrers = append(referrers, registry.Referrer{Root: d})
	}
	return blobs, referrers, nil
}

// both reads from the layout what memory does not have.
type both struct {
	memory oci.Memory
	layout oci.Blobs
}

// Open implements oci.Blobs.
func (b both) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if _, ok := b.memory[d.Digest]; ok {
		return b.memory.Open(ctx, d)
	}
	return b.layout.Open(ctx, d)
}

// repositories parses all targets before the first one is touched.
func repositories(r request, d registry.Defaults) ([]registry.Reference, error) {
	var all []registry.Reference
	for _, text := range r.Repositories {
		ref, err := registry.ParseRepository(text, d)
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, ref)
	}
	return all, nil
}
