package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	units "github.com/docker/go-units"
	"golang.org/x/term"

	"github.com/rules-gadget/rules_gadget/img/engine"
	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/rootless"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// lsCmd is "ls".
type lsCmd struct {
	onState `kong:"-"`

	Filter []string `short:"f" sep:"none" help:"Filter output based on conditions provided"`
}

// Run lists the images.
func (l *lsCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		entries, err := s.List(ctx, l.Filter)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(g.Out, 20, 1, 3, ' ', 0)
		fmt.Fprintln(w, "NAME\tSIZE\tCREATED AT\tUPDATED AT\tDIGEST")
		for _, e := range entries {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Name, units.BytesSize(float64(e.Size)), ago(e.Created), ago(e.Updated),
				e.Digest)
		}
		return w.Flush()
	})
}

func ago(t time.Time) string { return units.HumanDuration(time.Since(t)) + " ago" }

// pullCmd is "pull".
type pullCmd struct {
	onState `kong:"-"`

	Name             string `arg:"" help:"NAME[:TAG|@DIGEST]"`
	InsecureRegistry bool   `help:"Pull from insecure registry"`
	Platform         string `help:"Platform to pull, or 'all' (Default is that of this machine)"`
}

// Run pulls an image.
func (p *pullCmd) Run(ctx context.Context, g *Globals) error {
	hosts, err := registries.New(rootless.UID(), p.InsecureRegistry)
	if err != nil {
		return err
	}
	name, err := store.Normalize(p.Name)
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(g.Out, "Pulling %s...\n", store.Familiar(name))
	return g.with(ctx, engine.Options{Hosts: hosts.Hosts}, func(s store.Store) error {
		image, size, err := s.Pull(ctx, p.Name, p.Platform, hosts)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(g.Out, "Snapshot ref: %s\nSize: %s\n", image.Target.Digest, units.BytesSize(float64(size)))
		return err
	})
}

// pushCmd is "push".
type pushCmd struct {
	onState `kong:"-"`

	Name             string `arg:"" help:"NAME[:TAG]"`
	InsecureRegistry bool   `help:"Push to insecure registry"`
}

// Run pushes an image.
func (p *pushCmd) Run(ctx context.Context, g *Globals) error {
	hosts, err := registries.New(rootless.UID(), p.InsecureRegistry)
	if err != nil {
		return err
	}
	name, err := store.Normalize(p.Name)
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(g.Out, "Pushing %s...\n", store.Familiar(name))
	return g.with(ctx, engine.Options{Hosts: hosts.Hosts}, func(s store.Store) error {
		if _, err := s.Push(ctx, p.Name, hosts); err != nil {
			return err
		}
		_, err := fmt.Fprintf(g.Out, "Successfully pushed %s\n", store.Familiar(name))
		return err
	})
}

// tagCmd is "tag".
type tagCmd struct {
	onState `kong:"-"`

	Source string `arg:"" help:"SOURCE_IMAGE[:TAG]"`
	Target string `arg:"" help:"TARGET_IMAGE[:TAG]"`
}

// Run gives an image another name.
func (t *tagCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		if err := s.Tag(ctx, t.Source, t.Target); err != nil {
			return err
		}
		_, err := fmt.Fprintf(g.Out, "Successfully tagged %s as %s\n", t.Source, t.Target)
		return err
	})
}

// rmCmd is "rm".
type rmCmd struct {
	onState `kong:"-"`

	Images []string `arg:"" help:"IMAGE [IMAGE...]"`
}

// Run removes images.
func (r *rmCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		return s.Remove(ctx, r.Images, func(name string) { fmt.Fprintf(g.Out, "Removed %s\n", name) })
	})
}

// saveCmd is "save".
type saveCmd struct {
	onState `kong:"-"`

	Images []string `arg:"" help:"IMAGE [IMAGE...]"`
	Format string   `enum:"docker,oci" default:"docker" help:"image output format (docker|oci)"`
	Output string   `short:"o" help:"write to a file, instead of STDOUT"`
}

// Run saves images.
func (c *saveCmd) Run(ctx context.Context, g *Globals) error {
	if c.Output == "" {
		if f, ok := g.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return usagef("stdout is a terminal, name a file with -o or redirect it")
		}
	}
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		if c.Output == "" {
			return s.Save(ctx, g.Out, c.Format, c.Images)
		}
		return inPlace(c.Output, func(w io.Writer) error { return s.Save(ctx, w, c.Format, c.Images) })
	})
}

// inPlace writes a file that is there whole or not at all.
func inPlace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".img-*.tmp")
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	defer os.Remove(f.Name())
	err = write(f)
	mode := func() error { return f.Chmod(0o644) }
	rename := func() error { return os.Rename(f.Name(), path) }
	for _, step := range []func() error{mode, f.Close, rename} {
		if err == nil {
			err = step()
		}
	}
	f.Close()
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return nil
}

// unpackCmd is "unpack".
type unpackCmd struct {
	onState `kong:"-"`

	Image  string `arg:"" help:"IMAGE"`
	Output string `short:"o" help:"Directory to unpack the rootfs to. (defaults to rootfs/ in the current working directory)"`
}

// Run unpacks an image.
func (u *unpackCmd) Run(ctx context.Context, g *Globals) error {
	dir := u.Output
	if dir == "" {
		dir = "rootfs"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	return g.with(ctx, engine.Options{}, func(s store.Store) error {
		devices, err := s.Unpack(ctx, u.Image, dir)
		if err != nil {
			return err
		}
		for _, d := range devices {
			g.note(fmt.Sprintf("device node %s is left out, only real root can make one", d))
		}
		_, err = fmt.Fprintf(g.Out, "Successfully unpacked rootfs for %s to: %s\n", u.Image, dir)
		return err
	})
}
