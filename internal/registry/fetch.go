package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Fetch returns the content that one of the addresses serves, which must be
// what d says: the addresses are tried in order. It sends no credentials, and
// since the content is pinned plain HTTP is as good as any.
func (c *Client) Fetch(ctx context.Context, addresses []string, d ocispec.Descriptor) ([]byte, error) {
	var errs []error
	for _, address := range addresses {
		data, err := c.fetch(ctx, address, d)
		if err == nil || ctx.Err() != nil {
			return data, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c *Client) fetch(ctx context.Context, address string, d ocispec.Descriptor) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := c.tlsConfig(req.URL.Host, false)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport.NewUserAgent(&retrier{client: c, inner: c.httpTransport(tlsConfig)},
		userAgent)}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return nil, c.explain(err, req.URL.Host)
	}
	defer drain(resp)
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return nil, fmt.Errorf("fetching %s: %s", address, resp.Status)
	}
	data, err := io.ReadAll(oci.NewVerifyReader(newStallReader(resp.Body, c.tune.stall), d))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", address, err)
	}
	return data, nil
}
