package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockMode is how a lock is held.
type lockMode int

const (
	shared    lockMode = unix.LOCK_SH
	exclusive lockMode = unix.LOCK_EX
)

// Waiting for a lock polls, since a flock that blocks cannot be cancelled.
const (
	lockPollFirst = time.Millisecond
	lockPollMax   = 50 * time.Millisecond
)

// ErrBusy means that other processes are using the store's content.
var ErrBusy = errors.New("another process is using the store")

// lock takes the flock of the file name in the store and returns what gives
// it back. It waits until ctx ends.
func (s *Store) lock(ctx context.Context, name string, mode lockMode) (release func(), err error) {
	f, err := s.openLock(name, mode)
	if err != nil {
		return nil, fmt.Errorf("locking the store: %w", err)
	}
	if err := flock(ctx, f, mode); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking the store %q: %w", s.dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// openLock opens a lock file. Who may only read the store can still hold a
// shared lock on a file that is there.
func (s *Store) openLock(name string, mode lockMode) (*os.File, error) {
	f, err := os.OpenFile(s.path(name), os.O_RDWR|os.O_CREATE, 0o644)
	if mode == shared && (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) {
		return os.Open(s.path(name))
	}
	return f, err
}

// flock polls for the lock of f.
func flock(ctx context.Context, f *os.File, mode lockMode) error {
	for wait := lockPollFirst; ; wait = min(2*wait, lockPollMax) {
		err := unix.Flock(int(f.Fd()), int(mode)|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ErrBusy
			}
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
