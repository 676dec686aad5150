package main

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/deb"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/bundle"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/debian"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

// triplets maps the architectures to Debian's names in library paths.
var triplets = map[string]string{
	"amd64":             "x86_64-linux-gnu",
	"arm64":             "aarch64-linux-gnu",
	lockfile.AnyMachine: "x86_64-linux-gnu",
}

// locker makes the bundles of one lock file out of an archive.
type locker struct {
	archive *debian.Archive
	log     io.Writer
}

// relock replaces the named bundles of the lock file at path (all, without names) by what the archive has
// now.
func (l *locker) relock(ctx context.Context, path string, wanted lockfile.WantedLock, names []string) error {
	lock := &lockfile.Lock{Format: lockfile.Format, Default: wanted.Default, Bundles: map[string]lockfile.Bundle{}}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(wanted.Bundles))
	} else {
		old, err := lockfile.Read(path)
		if err != nil {
			return err
		}
		lock.Bundles = old.Bundles
	}
	for _, name := range names {
		want, found := wanted.Bundles[name]
		if !found {
			return fmt.Errorf("no bundle %q in wanted.json, choose from %q", name, slices.Sorted(maps.Keys(wanted.Bundles)))
		}
		made, err := l.bundle(ctx, want)
		if err != nil {
			return fmt.Errorf("locking %q: %w", name, err)
		}
		lock.Bundles[name] = made
	}
	if err := lock.Validate(); err != nil {
		return fmt.Errorf("checking the new lock: %w", err)
	}
	text, err := lock.Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func (l *locker) bundle(ctx context.Context, want lockfile.Wanted) (lockfile.Bundle, error) {
	made := lockfile.Bundle{
		Suite: want.Suite, Programs: want.Programs, Headers: want.Headers, Args: want.Args, Env: want.Env,
		Shares:   want.Shares,
		Machines: map[string]lockfile.Machine{},
	}
	for _, name := range want.Machines {
		machine, err := l.machine(ctx, want, name)
		if err != nil {
			return lockfile.Bundle{}, fmt.Errorf("for %s: %w", name, err)
		}
		made.Machines[name] = machine
	}
	return made, nil
}

func (l *locker) machine(ctx context.Context, want lockfile.Wanted, name string) (lockfile.Machine, error) {
	arch := name
	if name == lockfile.AnyMachine {
		arch = "amd64"
	}
	index, err := l.archive.Index(ctx, want.Suite, arch)
	if err != nil {
		return lockfile.Machine{}, err
	}
	packages, err := candidates(index, want)
	if err != nil {
		return lockfile.Machine{}, err
	}
	tree := bundle.Tree{}
	for i, p := range packages {
		fmt.Fprintf(l.log, "%s %d/%d %s %s (%d bytes)\n", name, i+1, len(packages), p.Name, p.Version, p.Size)
		if err := l.unpack(ctx, tree, p); err != nil {
			return lockfile.Machine{}, err
		}
	}
	kept, err := tree.Select(bundle.Needs{
		Programs: slices.Sorted(maps.Values(want.Programs)), Keep: want.Keep, Triplet: triplets[name], Alone: want.Shares,
	})
	if err != nil {
		return lockfile.Machine{}, err
	}
	return lockMachine(packages, kept), nil
}

// candidates returns the packages that the files may come from.
func candidates(index *debian.Index, want lockfile.Wanted) ([]*debian.Package, error) {
	closure, err := index.Closure(want.Packages)
	if err != nil || !want.Shares {
		return closure, err
	}
	return slices.DeleteFunc(closure, func(p *debian.Package) bool { return !slices.Contains(want.Packages, p.Name) }), nil
}

func lockMachine(packages []*debian.Package, kept bundle.Kept) lockfile.Machine {
	machine := lockfile.Machine{Loader: kept.Loader}
	for _, p := range packages {
		if files := kept.Files[p.Name]; len(files) > 0 {
			machine.Packages = append(machine.Packages, lockfile.Package{
				Name: p.Name, Version: p.Version, Path: p.Path, SHA256: p.SHA256, Size: p.Size, Files: files,
			})
		}
	}
	return machine
}

func (l *locker) unpack(ctx context.Context, tree bundle.Tree, p *debian.Package) error {
	path, err := l.archive.Fetch(ctx, p.Path, p.Sum)
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = deb.Read(file, func(header *tar.Header, content io.Reader) error {
		return tree.Add(p.Name, header, content)
	})
	return err
}
