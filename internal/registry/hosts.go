package registry

import (
	"crypto/tls"
	"strings"
)

// Host is an address at which the repositories of a registry are.
type Host struct {
	Address  string // host[:port]
	Path     string // what comes before the repository, without slashes at its ends
	Insecure bool   // plain HTTP is allowed
	Mirror   bool   // for pulls alone
	TLS      *tls.Config
}

// Hosts returns where the repositories of a registry are read: its mirrors in
// order, then itself. It is for clients of other libraries, which know the
// registry but not the repository: tables about a part of a registry do not
// count.
func (c *Client) Hosts(registry string) ([]Host, error) {
	const placeholder = "/" // takes the place of the repository
	places, err := c.cfg.places(Reference{Registry: registry, Repository: placeholder})
	if err != nil {
		return nil, err
	}
	hosts := make([]Host, 0, len(places))
	for _, p := range places {
		insecure := p.insecure || c.insecure(p.host)
		settings, err := c.tlsConfig(p.host, insecure)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, Host{
			Address: p.host, Path: strings.Trim(p.repository, "/"), Insecure: insecure, Mirror: p.mirror, TLS: settings,
		})
	}
	return hosts, nil
}
