package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// errPingNeeded says that the registry wants TLS or authentication, or that no request was tried.
var errPingNeeded = errors.New("the registry has to be asked first")

// withoutPing asks for a manifest as registries on this machine mostly want it:
// over plain HTTP and without authentication. When that is right, it need not be
// asked how it wants to be spoken to before this repository is read, and that
// takes as long as a manifest does. It is not tried where there are mirrors, or
// credentials, or where it was asked already.
func (r *Repository) withoutPing(
	ctx context.Context, identifier string,
) (d ocispec.Descriptor, data []byte, err error) {
	c := r.client
	places, err := c.cfg.places(r.ref)
	if err != nil || len(places) != 1 {
		return d, nil, errPingNeeded
	}
	w := places[0]
	s, err := c.session(w)
	if err != nil || s.guess == nil || s.asked() {
		return d, nil, errPingNeeded
	}
	if auth, err := c.creds.authenticator(ctx, w.host, w.repository); err != nil || auth != authn.Anonymous {
		return d, nil, errPingNeeded
	}
	ep := &endpoint{
		client: &http.Client{Transport: s.guess}, url: "http://" + w.host + "/v2/" + w.repository, host: w.host,
	}
	d, data, err = ep.getManifest(ctx, c, identifier)
	var failed *Error
	if errors.As(err, &failed) && failed.Status == 0 && failed.Err == nil {
		return d, nil, err // a manifest, and a bad one
	}
	if err != nil {
		return d, nil, errPingNeeded
	}
	ep.client = &http.Client{Transport: &challenged{
		session: s, auth: authn.Anonymous, scopes: []string{s.registry.Repo(w.repository).Scope(transport.PullScope)},
		inner: s.base,
	}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints[endpointKey(w, transport.PullScope)] = ep
	return d, data, nil
}
