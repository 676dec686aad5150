package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// write replaces a file of the store: temporary file, sync, rename.
func (s *Store) write(name string, data []byte) error { return s.replace(name, data, true) }

func (s *Store) replace(name string, data []byte, durable bool) (err error) {
	f, err := os.CreateTemp(s.path(tmpDir), "write-*")
	if err != nil {
		return diskError(err)
	}
	defer func() {
		if err != nil {
			err = diskError(errors.Join(err, f.Close(), os.Remove(f.Name())))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if durable {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = os.Rename(f.Name(), s.path(name)); err != nil {
		return err
	}
	return f.Close()
}

// syncDir makes renames in a folder of the store last.
func (s *Store) syncDir(name string) error {
	d, err := os.Open(s.path(name))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("syncing %q: %w", filepath.Join(s.dir, name), err)
	}
	return nil
}

// diskError adds the cure to errors of a full disk.
func diskError(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w, free some space, for example with \"gadget-run image prune\"", err)
	}
	return err
}

// writeDerived replaces a file that can be made again, without syncing it.
func (s *Store) writeDerived(name string, data []byte) error {
	return s.replace(name, data, false)
}
