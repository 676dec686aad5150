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

func (s *Store) replace(name string, data []byte, durable bool) error {
	tmp, err := s.stage(data, durable)
	if err != nil {
		return err
	}
	return s.place(tmp, name)
}

// stage writes a file that place brings to its name.
func (s *Store) stage(data []byte, durable bool) (tmp string, err error) {
	f, err := os.CreateTemp(s.path(tmpDir), "write-*")
	if err != nil {
		return "", diskError(err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", diskError(errors.Join(err, os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// place renames what stage wrote.
func (s *Store) place(tmp, name string) error {
	if err := os.Rename(tmp, s.path(name)); err != nil {
		return diskError(errors.Join(err, os.Remove(tmp)))
	}
	return nil
}

// syncDir makes renames in a directory of the store last.
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

// diskError adds the hint to errors of a full disk.
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
