// Package artifact gets the artifact that a user names: from a path, from the
// store, or from its registry when the policy lets it run. Commands build on it;
// it is not one.
package artifact

import (
	"errors"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// RegistryFlags are the flags of every command that talks to a registry.
type RegistryFlags struct {
	Authfile           cli.File    `placeholder:"FILE" help:"Credentials file (default: REGISTRY_AUTH_FILE, then ig's, podman's and docker's files)." group:"Registry"`
	Insecure           bool        `aliases:"insecure-registry" help:"Allow plain HTTP and certificates that do not verify." group:"Registry"`
	InsecureRegistries []string    `placeholder:"HOST" help:"Registries to which --insecure applies." group:"Registry"`
	CAFile             cli.File    `name:"ca-file" placeholder:"FILE" help:"PEM certificates to trust in addition to the system's." group:"Registry"`
	CertDir            cli.File    `placeholder:"DIR" help:"Directory of *.crt to trust, and of *.cert with *.key to show." group:"Registry"`
	PullTimeout        cli.Timeout `default:"60s" placeholder:"TIME" help:"How long a registry may send nothing: 30s, 2m, or a number of seconds." group:"Registry"`
	Retry              int         `placeholder:"N" help:"Attempts for each request (default: 5)." group:"Registry"`
}

// Client returns a registry client as the flags specify.
func (f RegistryFlags) Client(g *cli.Globals) (*registry.Client, error) {
	return registry.New(registry.Options{
		Insecure: f.Insecure, InsecureRegistries: f.InsecureRegistries, AuthFile: string(f.Authfile),
		CAFile: string(f.CAFile), CertDir: string(f.CertDir), Attempts: f.Retry, Log: g.Log,
		Patience: time.Duration(f.PullTimeout),
	})
}

// OpenStore opens the store of the state directory.
func OpenStore(g *cli.Globals) (*store.Store, error) {
	if g.State == "" {
		return nil, errors.New("no directory for the store is known, set HOME or name one with --state")
	}
	return store.Open(g.State)
}

// HoldStore opens the store and keeps its content until release is called.
func HoldStore(g *cli.Globals) (s *store.Store, release func(), err error) {
	if s, err = OpenStore(g); err != nil {
		return nil, nil, err
	}
	release, err = s.Hold(g.Ctx)
	return s, release, err
}

// defaults are where short names belong on this machine.
func defaults() (registry.Defaults, error) {
	cfg, err := registry.HostConfig()
	if err != nil {
		return registry.Defaults{}, err
	}
	return cfg.Defaults(), nil
}
