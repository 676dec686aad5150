// Package registries gives BuildKit and containerd the registries of this
// machine as gadget-run sees them: its configuration of mirrors, its private
// certificates, its credentials.
package registries

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/moby/buildkit/session/auth"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc"

	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// dockerHub is the host that serves docker.io.
const dockerHub = "registry-1.docker.io"

// Registries are the registries of this machine.
type Registries struct {
	client *registry.Client
	creds  *registry.Credentials
}

// New reads the configuration of a user. Insecure allows plain HTTP, and
// certificates that do not verify, for every registry.
func New(uid int, insecure bool) (*Registries, error) {
	client, err := registry.New(registry.Options{Insecure: insecure})
	if err != nil {
		return nil, err
	}
	creds, err := registry.FindCredentialsOf(uid, "")
	if err != nil {
		return nil, err
	}
	return &Registries{client: client, creds: creds}, nil
}

// Hosts returns where a registry is: its mirrors, then itself.
func (r *Registries) Hosts(name string) ([]docker.RegistryHost, error) {
	places, err := r.client.Hosts(name)
	if err != nil {
		return nil, err
	}
	out := make([]docker.RegistryHost, 0, len(places))
	for _, p := range places {
		h := docker.RegistryHost{
			Scheme: "https", Host: apiHost(p.Address), Path: "/v2",
			Capabilities: docker.HostCapabilityPull | docker.HostCapabilityResolve,
			Client:       &http.Client{Transport: transport(p)},
		}
		if p.Path != "" {
			h.Path += "/" + p.Path
		}
		if !p.Mirror {
			h.Capabilities |= docker.HostCapabilityPush
		}
		h.Authorizer = docker.NewDockerAuthorizer(docker.WithAuthClient(h.Client), docker.WithAuthCreds(r.credentials))
		out = append(out, h)
	}
	return out, nil
}

// apiHost is the host to connect to.
func apiHost(address string) string {
	if address == "docker.io" || address == "index.docker.io" {
		return dockerHub
	}
	return address
}

// transport tries TLS first and, where that is allowed or the host is this
// machine, plain HTTP then.
func transport(h registry.Host) http.RoundTripper {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:       h.TLS,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
	}
	if local, _ := docker.MatchLocalhost(h.Address); local || h.Insecure {
		return docker.NewHTTPFallback(base)
	}
	return base
}

// credentials are what a host gets to see: user and password, or a token alone.
func (r *Registries) credentials(host string) (user, secret string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a helper may run
	defer cancel()
	if host == dockerHub {
		host = "index.docker.io"
	}
	cfg, file, err := r.creds.Lookup(ctx, host, "")
	if err != nil || file == "" {
		return "", "", err
	}
	if cfg.IdentityToken != "" {
		return "", cfg.IdentityToken, nil
	}
	return cfg.Username, cfg.Password, nil
}

// Resolver talks to the registries outside of a build.
func (r *Registries) Resolver() remotes.Resolver {
	return docker.NewResolver(docker.ResolverOptions{Hosts: r.Hosts})
}

// Client is the project's own client, for logins.
func (r *Registries) Client() *registry.Client { return r.client }

// Session answers a build that requests credentials. Only the solver does, for
// the registries it talks to; no step of a build gets to see them.
type Session struct {
	auth.UnimplementedAuthServer
	registries *Registries
}

// Session returns what a build's session shows of the registries.
func (r *Registries) Session() *Session { return &Session{registries: r} }

// Register adds the answers to a session.
func (s *Session) Register(server *grpc.Server) { auth.RegisterAuthServer(server, s) }

// Credentials returns those of a host.
func (s *Session) Credentials(_ context.Context, q *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	user, secret, err := s.registries.credentials(q.GetHost())
	if err != nil {
		return nil, err
	}
	return &auth.CredentialsResponse{Username: user, Secret: secret}, nil
}

// Package fetches a pinned package of Debian from the first of the machine's
// mirrors that has it.
func (r *Registries) Package(ctx context.Context, p pinned.Package) ([]byte, error) {
	mirrors, err := pinned.HostMirrors()
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, m := range mirrors {
		addresses = append(addresses, m+"/"+p.Path)
	}
	d := ocispec.Descriptor{Digest: digest.NewDigestFromEncoded(digest.SHA256, p.SHA256), Size: p.Size}
	return r.client.Fetch(ctx, addresses, d)
}
