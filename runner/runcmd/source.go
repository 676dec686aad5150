package runcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// PullFlags say how registries are talked to.
type PullFlags struct {
	AuthFile           string   `name:"authfile" type:"path" placeholder:"FILE" help:"Credentials file."`
	Insecure           bool     `help:"Allow plain HTTP and certificates that do not verify."`
	InsecureRegistries []string `placeholder:"HOST" help:"Allow the same for these registries only."`
	CAFile             string   `name:"ca-file" type:"path" placeholder:"FILE" help:"Certificates to trust besides the system's (PEM)."`
}

// The values of --pull.
const (
	pullAlways = "always"
	pullNever  = "never"
)

// fetch reads the artifact from a layout, or from the store after pulling it.
func (s *session) fetch(ctx context.Context) error {
	layout, err := openLayout(s.cmd.Gadget)
	if err != nil {
		return err
	}
	if layout == nil {
		return s.fetchReference(ctx)
	}
	defer layout.Close()
	root, err := layout.Root("")
	if err != nil {
		return err
	}
	return s.load(ctx, layout, root)
}

// openLayout opens the layout at path, nil when path is a reference: there is
// no such file, and it does not look like one.
func openLayout(path string) (*oci.Layout, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return oci.OpenLayout(path)
	case err == nil:
		return oci.OpenLayoutTar(path)
	case errors.Is(err, os.ErrNotExist) && !looksLikePath(path):
		return nil, nil
	}
	return nil, fmt.Errorf("opening layout: %w", err)
}

// looksLikePath reports whether s can be no reference: references neither
// begin with a slash or a dot nor end like a tar file.
func looksLikePath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") || filepath.Ext(s) == ".tar"
}

func (s *session) load(ctx context.Context, blobs oci.Blobs, root ocispec.Descriptor) error {
	art, err := gadget.Load(ctx, blobs, root, arch.Host())
	s.artifact = art
	return err
}

// fetchReference reads the gadget from the store and pulls it there first when
// --pull asks for it.
func (s *session) fetchReference(ctx context.Context) error {
	cfg, err := registry.HostConfig()
	if err != nil {
		return err
	}
	ref, err := registry.ParseReference(s.cmd.Gadget, cfg.Defaults())
	if err != nil {
		return cli.Usage(err)
	}
	st, err := store.Open(s.g.State)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	root, err := st.Resolve(ref.String())
	missing := errors.Is(err, oci.ErrNotFound)
	switch {
	case missing && s.cmd.Pull == pullNever:
		return fmt.Errorf("%w, pull it or leave out --pull never", err)
	case missing || s.cmd.Pull == pullAlways:
		if root, err = s.pull(ctx, st, ref, cfg); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	release, err := st.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.load(ctx, st, root)
}

// pull copies what ref names into the store, for this architecture only.
func (s *session) pull(ctx context.Context, st *store.Store, ref registry.Reference, cfg *registry.Config) (ocispec.Descriptor, error) {
	client, err := registry.New(registry.Options{
		Insecure: s.cmd.Insecure, InsecureRegistries: s.cmd.InsecureRegistries,
		AuthFile: s.cmd.AuthFile, CAFile: s.cmd.CAFile, Config: cfg,
		Log: func(line string) { s.notef("%s", line) },
	})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	root, err := client.Resolve(ctx, ref)
	if err != nil {
		return root, err
	}
	s.detailf("pulling %s", ref.Pinned(root.Digest.String()))
	return root, st.Put(ctx, client.Repository(ref), root, ref.String(), []arch.Arch{arch.Host()})
}
