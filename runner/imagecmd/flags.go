// Package imagecmd holds the commands of gadget-run that manage artifacts:
// image and its subcommands, login and logout, and what run needs to get an
// artifact. Docker's and ig's verbs both work.
package imagecmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// RegistryFlags are the flags of every command that talks to a registry.
type RegistryFlags struct {
	Authfile           string   `placeholder:"FILE" help:"Credentials file (default: REGISTRY_AUTH_FILE, then ig's, podman's and docker's files)." group:"Registry"`
	Insecure           bool     `aliases:"insecure-registry" help:"Allow plain HTTP and certificates that do not verify." group:"Registry"`
	InsecureRegistries []string `placeholder:"HOST" help:"Registries for which --insecure holds." group:"Registry"`
	CAFile             string   `name:"ca-file" placeholder:"FILE" help:"PEM certificates to trust besides the system's." group:"Registry"`
	CertDir            string   `placeholder:"DIR" help:"Directory of *.crt to trust, and of *.cert with *.key to show." group:"Registry"`
	Retry              int      `placeholder:"N" help:"Attempts for each request (default: 5)." group:"Registry"`
}

// Client returns a registry client as the flags say.
func (f RegistryFlags) Client(g *cli.Globals) (*registry.Client, error) {
	return registry.New(registry.Options{
		Insecure: f.Insecure, InsecureRegistries: f.InsecureRegistries, AuthFile: f.Authfile,
		CAFile: f.CAFile, CertDir: f.CertDir, Attempts: f.Retry, Log: logger(g),
	})
}

// PlatformFlags choose the architectures of an artifact.
type PlatformFlags struct {
	Platform     []string `placeholder:"linux/ARCH" help:"Platforms to take (default: this machine's)."`
	AllPlatforms bool     `help:"Take all platforms."`
}

// archs returns the chosen architectures; empty means all.
func (f PlatformFlags) archs() ([]arch.Arch, error) {
	if f.AllPlatforms {
		return nil, nil
	}
	if len(f.Platform) == 0 {
		return []arch.Arch{arch.Host()}, nil
	}
	var all []arch.Arch
	for _, text := range f.Platform {
		a, err := parsePlatform(text)
		if err != nil {
			return nil, cli.Usage(err)
		}
		all = append(all, a)
	}
	return all, nil
}

// logger returns what prints the events of a transfer.
func logger(g *cli.Globals) func(string) {
	if g.Quiet {
		return func(string) {}
	}
	return func(line string) { fmt.Fprintln(g.Stderr, line) }
}

// say prints a line for a person, unless they asked for quiet.
func say(g *cli.Globals, format string, args ...any) {
	logger(g)(fmt.Sprintf(format, args...))
}

// result prints a line of what the command is for.
func result(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}

func openStore(g *cli.Globals) (*store.Store, error) { return store.Open(g.State) }

// holdStore opens the store and keeps its content until release is called.
func holdStore(g *cli.Globals) (s *store.Store, release func(), err error) {
	if s, err = openStore(g); err != nil {
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

// isPath reports whether text is a file rather than a reference.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".tar")
}

// parseRef parses a reference that the user wrote.
func parseRef(text string) (registry.Reference, error) {
	d, err := defaults()
	if err != nil {
		return registry.Reference{}, err
	}
	ref, err := registry.ParseReference(text, d)
	return ref, cli.Usage(err)
}
