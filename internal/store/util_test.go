package store_test

import (
	"context"
	"io"
	"os"
	"sync"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// gated is a place of blobs that stops at one of them until it is opened.
type gated struct {
	oci.Blobs
	at            string
	once          sync.Once
	open, reached chan struct{}
}

func (g *gated) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if d.Digest.String() == g.at {
		g.once.Do(func() { close(g.reached) })
		<-g.open
	}
	return g.Blobs.Open(ctx, d)
}

// checkClean fails the test when Fsck finds something.
func checkClean(t *testing.T, s *store.Store) {
	t.Helper()
	found, err := s.Fsck(context.Background(), false)
	if err != nil {
		t.Fatalf("fsck: %v", err)
	}
	for _, p := range found {
		t.Errorf("fsck: %s: %s", p.Path, p.Text)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// smallDisk returns a file system of 3 MB of the test's own.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("needs the right to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	return disk
}
