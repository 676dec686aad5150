package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Document is something said about an artifact: provenance, an SBOM, a signature.
type Document struct {
	// ArtifactType is what clients filter by; the media type of Data by default.
	ArtifactType string
	MediaType    string
	Data         []byte
	// Annotations of the manifest that carries the document.
	Annotations map[string]string
}

// ReferrerManifest returns the manifest that ties doc to subject (image-spec
// v1.1, "subject") with its blobs. It is a function of its input alone.
func ReferrerManifest(subject ocispec.Descriptor, doc Document) (oci.Memory, ocispec.Descriptor, error) {
	if doc.ArtifactType == "" {
		doc.ArtifactType = doc.MediaType
	}
	layer := oci.NewBlob(doc.MediaType, doc.Data)
	config := oci.NewBlob(ocispec.MediaTypeEmptyJSON, ocispec.DescriptorEmptyJSON.Data)
	about := ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	data, err := action.JSON(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: doc.ArtifactType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       []ocispec.Descriptor{layer.Descriptor},
		Subject:      &about,
		Annotations:  doc.Annotations,
	})
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	root := oci.NewBlob(ocispec.MediaTypeImageManifest, data)
	root.ArtifactType, root.Annotations = doc.ArtifactType, doc.Annotations
	return oci.NewMemory(layer, config, root), root.Descriptor, nil
}

// Attach uploads doc as a referrer of subject, which the repository must have.
// Where the registry has no referrers API, the list under the tag that the
// specification names instead is extended.
func (c *Client) Attach(ctx context.Context, repository Reference, subject ocispec.Descriptor,
	doc Document,
) (PushResult, error) {
	blobs, root, err := ReferrerManifest(subject, doc)
	if err != nil {
		return PushResult{}, err
	}
	res, err := c.Push(ctx, PushRequest{Blobs: blobs, Root: root, Repository: repository})
	if err != nil {
		return res, err
	}
	ep, err := c.pushEndpoint(ctx, repository)
	if err != nil {
		return res, err
	}
	return res, ep.list(ctx, c, subject.Digest, root)
}

// list makes sure that referrers are listed: where the registry has no API that
// does so by itself, under the tag that replaces it.
func (ep *endpoint) list(ctx context.Context, c *Client, subject digest.Digest, referrers ...ocispec.Descriptor) error {
	_, err := ep.referrers(ctx, c, subject)
	if errors.Is(err, oci.ErrNotFound) {
		err = ep.listUnderTag(ctx, c, subject, referrers...)
	}
	if err != nil {
		return fmt.Errorf("listing what refers to %s: %w", subject, err)
	}
	return nil
}

// errNoneListed sends a reader on from a mirror: those that keep copies of
// artifacts often do not keep what refers to them.
var errNoneListed = errors.New("it lists nothing that refers to the artifact")

// Referrers lists the manifests that refer to subject, those of the API and,
// where the registry has none, those under the tag that replaces it. An
// empty artifactType lists all.
func (c *Client) Referrers(ctx context.Context, repository Reference, subject digest.Digest,
	artifactType string,
) ([]ocispec.Descriptor, error) {
	var found []ocispec.Descriptor
	answered := false
	r := &Repository{client: c, ref: repository}
	err := r.anywhere(ctx, func(ep *endpoint) error {
		var err error
		found, err = ep.referrers(ctx, c, subject)
		if errors.Is(err, oci.ErrNotFound) {
			found, err = ep.taggedReferrers(ctx, c, subject)
		}
		if errors.Is(err, errNoTagList) {
			err = nil
		}
		if err == nil && len(found) == 0 {
			answered, err = true, errNoneListed
		}
		return err
	})
	// A mirror that answered is believed where no other registry does.
	var failed *Error
	silent := errors.As(err, &failed) && failed.Status == 0
	if err != nil && !errors.Is(err, errNoneListed) && !(answered && silent) {
		return nil, fmt.Errorf("listing referrers of %s: %w", subject, err)
	}
	return slices.DeleteFunc(found, func(d ocispec.Descriptor) bool {
		return artifactType != "" && d.ArtifactType != artifactType
	}), nil
}

// referrersTag is the tag that replaces the API (distribution-spec,
// "Referrers Tag Schema").
func referrersTag(d digest.Digest) string { return d.Algorithm().String() + "-" + d.Encoded() }

func (c *Client) pushEndpoint(ctx context.Context, repository Reference) (*endpoint, error) {
	places, err := c.cfg.places(repository)
	if err != nil {
		return nil, err
	}
	return c.endpointFor(ctx, places[len(places)-1], transport.PushScope)
}

// Limits of a list of referrers: its pages, and their size together in bytes.
const (
	maxReferrerPages = 64
	maxReferrerBytes = 4 * oci.MaxManifest
)

// referrers uses the API; oci.ErrNotFound means that the registry has none.
func (ep *endpoint) referrers(ctx context.Context, c *Client, subject digest.Digest) ([]ocispec.Descriptor, error) {
	var all []ocispec.Descriptor
	size := 0
	at := ep.url + "/referrers/" + subject.String()
	for range maxReferrerPages {
		page, err := ep.referrersPage(ctx, c, at)
		if err != nil {
			return nil, err
		}
		if size += page.size; size > maxReferrerBytes {
			return nil, ep.wrong("its list of referrers is larger than %d bytes", maxReferrerBytes)
		}
		all = append(all, page.listed...)
		if page.next == "" {
			return all, nil
		}
		at = page.next
	}
	return nil, ep.wrong("it lists more than %d pages of referrers", maxReferrerPages)
}

// referrersPage is one page of the API.
type referrersPage struct {
	listed []ocispec.Descriptor
	next   string // address of the next page, or ""
	size   int    // in bytes
}

func (ep *endpoint) referrersPage(ctx context.Context, c *Client, address string) (p referrersPage, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return p, err
	}
	req.Header.Set("Accept", ocispec.MediaTypeImageIndex)
	resp, err := ep.client.Do(req)
	if err != nil {
		return p, c.explain(err, ep.host)
	}
	defer drain(resp)
	if resp.StatusCode == http.StatusNotFound {
		return p, oci.ErrNotFound
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return p, c.explain(err, ep.host)
	}
	data, err := io.ReadAll(io.LimitReader(newStallReader(resp.Body, c.tune.stall), oci.MaxManifest+1))
	if err != nil {
		return p, c.explain(err, ep.host)
	}
	if len(data) > oci.MaxManifest {
		return p, ep.wrong("a page of its list of referrers is larger than %d bytes", oci.MaxManifest)
	}
	// A registry without the API may answer with a page of its own.
	index, err := oci.ParseIndex(data)
	if err != nil || index.MediaType != ocispec.MediaTypeImageIndex {
		return p, oci.ErrNotFound
	}
	return referrersPage{index.Manifests, nextPage(resp), len(data)}, nil
}

// nextPage returns the address in a Link header with rel="next" on the same host, or "".
func nextPage(resp *http.Response) string {
	link, rel, _ := strings.Cut(resp.Header.Get("Link"), ";")
	if !strings.Contains(rel, `rel="next"`) {
		return ""
	}
	target, err := url.Parse(strings.Trim(strings.TrimSpace(link), "<>"))
	if err != nil {
		return ""
	}
	target = resp.Request.URL.ResolveReference(target)
	if target.Host != resp.Request.URL.Host {
		return ""
	}
	return target.String()
}

// errNoTagList means that a registry reads the tag that replaces the API as the
// digest in it, so that it can hold no such list.
var errNoTagList = errors.New("it has no referrers API, and gives back the artifact itself under the tag that " +
	"replaces it")

// taggedReferrers reads the list that replaces the API; none is an empty one.
func (ep *endpoint) taggedReferrers(
	ctx context.Context, c *Client, subject digest.Digest,
) ([]ocispec.Descriptor, error) {
	d, data, err := ep.getManifest(ctx, c, referrersTag(subject))
	if errors.Is(err, oci.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if d.Digest == subject {
		return nil, errNoTagList
	}
	index, err := oci.ParseIndex(data)
	if err != nil {
		return nil, ep.wrong("the list of referrers of %s is not an index: %v", subject, err)
	}
	return index.Manifests, nil
}

// listUnderTag adds what is new to the list that replaces the API.
func (ep *endpoint) listUnderTag(ctx context.Context, c *Client, subject digest.Digest,
	referrers ...ocispec.Descriptor,
) error {
	tag := referrersTag(subject)
	return ep.extendTag(ctx, c, tag, func(ctx context.Context, before digest.Digest) (putManifest, error) {
		if before == subject {
			return putManifest{}, errNoTagList
		}
		list, err := ep.taggedReferrers(ctx, c, subject)
		if err != nil {
			return putManifest{}, err
		}
		count := len(list)
		for _, d := range referrers {
			if !slices.ContainsFunc(list, func(old ocispec.Descriptor) bool { return old.Digest == d.Digest }) {
				list = append(list, d)
			}
		}
		if len(list) == count {
			return putManifest{}, nil
		}
		data, err := action.JSON(ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageIndex,
			Manifests: list,
		})
		return putManifest{identifier: tag, mediaType: ocispec.MediaTypeImageIndex, data: data}, err
	})
}
