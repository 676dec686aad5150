// Package fleetcmd has the commands that give many nodes the same gadgets: lock
// resolves a list, sync makes a store hold exactly what was locked.
package fleetcmd

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// maxAtOnce is how many gadgets are resolved at once.
const maxAtOnce = 4

// lockExt is the extension of lock files that are written next to their list.
const lockExt = ".lock"

// Lock is "lock".
type Lock struct {
	List   string   `arg:"" help:"List of gadgets (YAML)."`
	Output cli.File `short:"o" placeholder:"FILE" help:"Lock file to write (default: next to the list, with the extension .lock)."`
	Check  bool     `help:"Write nothing, and fail when the lock file is not what would be written."`

	artifact.TrustFlags    `group:"Trust"`
	artifact.RegistryFlags `group:"Registry"`
}

// Run writes the lock file once all gadgets are resolved and may run.
func (c *Lock) Run(g *cli.Globals) error {
	if err := c.TrustFlags.Check(); err != nil {
		return err
	}
	list, err := lockfile.ReadList(g.Ctx, c.List)
	if err != nil {
		return err
	}
	output := string(c.Output)
	if output == "" {
		output = strings.TrimSuffix(c.List, filepath.Ext(c.List)) + lockExt
	}
	lock, err := c.resolve(g, list)
	if err != nil {
		return err
	}
	data, err := lock.Format()
	if err != nil {
		return err
	}
	if c.Check {
		return c.compare(output, data)
	}
	if err := action.WriteFile(output, data); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	for _, l := range lock.Gadgets {
		g.Say("locked %s, signed by %s", l.Name, l.SignedBy())
	}
	return show.Line(g.Stdout, "%s", output)
}

// compare returns an error unless the file has the content.
func (c *Lock) compare(file string, want []byte) error {
	have, err := action.ReadFile(file, lockfile.MaxFile)
	if err != nil {
		return fmt.Errorf("reading the lock file: %w", err)
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("the lock file %q is out of date with %q, run: gadget-run lock %s -o %s", file, c.List,
			c.List, file)
	}
	return nil
}

// resolve resolves all gadgets of the list at their registries.
func (c *Lock) resolve(g *cli.Globals, list lockfile.List) (lockfile.Lock, error) {
	client, err := c.Client(g)
	if err != nil {
		return lockfile.Lock{}, err
	}
	out := lockfile.Lock{Gadgets: make([]lockfile.Gadget, len(list.Gadgets))}
	group, ctx := errgroup.WithContext(g.Ctx)
	group.SetLimit(maxAtOnce)
	together := *g
	together.Ctx = ctx
	for i, ref := range list.Gadgets {
		group.Go(func() (err error) {
			out.Gadgets[i], err = c.gadget(&together, client, ref, list.Archs)
			return err
		})
	}
	err = group.Wait()
	slices.SortFunc(out.Gadgets, func(a, b lockfile.Gadget) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// gadget resolves one name. Its referrers are complete, or it is an error:
// nodes will not resolve it again.
func (c *Lock) gadget(g *cli.Globals, client *registry.Client, ref registry.Reference,
	archs []arch.Arch,
) (lockfile.Gadget, error) {
	root, err := client.Resolve(g.Ctx, ref)
	if err != nil {
		return lockfile.Gadget{}, err
	}
	out := lockfile.Gadget{Name: artifact.StoredName(ref), Digest: root.Digest, MediaType: root.MediaType, Size: root.Size}
	repository := client.Repository(ref)
	if out.Platforms, err = platforms(g, repository, out, archs); err != nil {
		return out, fmt.Errorf("locking %s: %w", ref, err)
	}
	manifests := []digest.Digest{root.Digest}
	for _, p := range out.Platforms {
		manifests = append(manifests, p.Digest)
	}
	found, err := client.AllReferrers(g.Ctx, ref, manifests...)
	if err != nil {
		return out, fmt.Errorf("locking %s: %w", ref, err)
	}
	if out.Referrers, err = referrers(root.Digest, found); err != nil {
		return out, fmt.Errorf("locking %s: %w", ref, err)
	}
	signers, err := admit(g, admission{c.TrustFlags, client}, out, repository)
	if err != nil {
		return out, err
	}
	for _, s := range signers {
		signer := lockfile.Signer{Name: s.Name, Key: s.Key, Subject: s.Subject}
		if !slices.Contains(out.Signers, signer) {
			out.Signers = append(out.Signers, signer)
		}
	}
	return out, nil
}

// platforms lists the manifests of an index, in which archs must be. It is empty
// for an artifact that is a single manifest.
func platforms(g *cli.Globals, from oci.Blobs, l lockfile.Gadget, archs []arch.Arch) ([]lockfile.Platform, error) {
	data, err := oci.ReadBlob(g.Ctx, from, l.Root(), oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	m, err := oci.ParseManifest(data)
	if err != nil {
		return nil, err
	}
	var all []lockfile.Platform
	var names []string
	for _, d := range m.Manifests {
		if d.Platform == nil {
			continue
		}
		name := d.Platform.OS + "/" + d.Platform.Architecture
		all, names = append(all, lockfile.Platform{Platform: name, Digest: d.Digest}), append(names, name)
	}
	slices.SortFunc(all, func(a, b lockfile.Platform) int {
		return strings.Compare(a.Platform+a.Digest.String(), b.Platform+b.Digest.String())
	})
	for _, a := range archs {
		if !slices.Contains(names, "linux/"+a.String()) {
			return nil, fmt.Errorf("it has no linux/%s, which the list requires, only %s", a, strings.Join(names, ", "))
		}
	}
	return all, nil
}

// referrers puts what belongs to the artifact root in an order that does not
// depend on the registry.
func referrers(root digest.Digest, found []registry.Referrer) ([]lockfile.Referrer, error) {
	if len(found) > store.MaxReferrers {
		return nil, fmt.Errorf("%d manifests refer to it, at most %d are allowed", len(found), store.MaxReferrers)
	}
	var all []lockfile.Referrer
	for _, c := range found {
		if c.Subject == root {
			c.Subject = ""
		}
		all = append(all, lockfile.Referrer{
			Subject: c.Subject, Digest: c.Root.Digest, MediaType: c.Root.MediaType, ArtifactType: c.Root.ArtifactType,
			Size: c.Root.Size, Tag: c.Tag,
		})
	}
	key := func(r lockfile.Referrer) string { return r.Tag + " " + r.Digest.String() }
	slices.SortFunc(all, func(a, b lockfile.Referrer) int { return strings.Compare(key(a), key(b)) })
	return slices.CompactFunc(all, func(a, b lockfile.Referrer) bool { return key(a) == key(b) }), nil
}
