package runcmd

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
)

// lockedTo is the lock file of --locked; without a file it holds nothing.
type lockedTo struct {
	file string
	lock lockfile.Lock
}

func readLocked(ctx context.Context, file string) (lockedTo, error) {
	if file == "" {
		return lockedTo{}, nil
	}
	lock, err := lockfile.Read(ctx, file)
	return lockedTo{file, lock}, err
}

// pin returns what the user wrote, with the digest that it has in the lock file.
func (l lockedTo) pin(name artifact.Name) (string, error) {
	if l.file == "" {
		return name.Text, nil
	}
	ref := name.Reference
	g, ok := l.lock.Find(ref)
	if !ok {
		return "", fmt.Errorf("%s is not in the lock file %q, add it to the list and run \"gadget-run lock\"", ref, l.file)
	}
	return artifact.Pinned(ref, g.Digest.String()), nil
}

// check returns an error unless a gadget of the lock file has the digest.
func (l lockedTo) check(path string, d digest.Digest) error {
	if l.file == "" || l.lock.Has(d) {
		return nil
	}
	return fmt.Errorf("%q has the digest %s, which no gadget of the lock file %q has", path, d, l.file)
}
