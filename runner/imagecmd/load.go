package imagecmd

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Load is "image load".
type Load struct {
	File  string `arg:"" optional:"" help:"Archive or layout directory (default: standard input)."`
	Input string `short:"i" placeholder:"FILE" help:"The same, as docker has it."`
	Tag   string `short:"t" placeholder:"NAME" help:"Name for the artifact, where the archive has one artifact."`
}

// Run puts every artifact of the archive into the store.
func (l *Load) Run(g *cli.Globals) error {
	path, cleanup, err := l.path(g)
	if err != nil {
		return err
	}
	defer cleanup()
	from, roots, err := artifact.OpenArchive(g.Ctx, path)
	if err != nil {
		return err
	}
	defer from.Close()
	if l.Tag != "" {
		if len(roots) != 1 {
			return cli.Usage(fmt.Errorf("the archive has %d artifacts, --tag can name only one", len(roots)))
		}
		roots[0].Name = l.Tag
	}
	s, err := artifact.OpenStore(g)
	if err != nil {
		return err
	}
	for _, r := range roots {
		if err := loadOne(g, s, from, r); err != nil {
			return err
		}
	}
	return nil
}

func loadOne(g *cli.Globals, s *store.Store, from oci.Blobs, r artifact.Named) error {
	if r.Name == "" {
		return cli.Usage(errors.New("the archive does not name its artifact, pass --tag=NAME"))
	}
	ref, err := artifact.ParseReference(r.Name)
	if wrong := (*cli.UsageError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w, pass --tag=NAME", err)
	}
	if err != nil {
		return err
	}
	archs, err := presentArchs(g.Ctx, from, r.Root)
	if err != nil {
		return err
	}
	release, err := s.Hold(g.Ctx) // what refers to it has no name before the artifact has
	if err != nil {
		return err
	}
	defer release()
	if err := s.PutReferrers(g.Ctx, from, r.Root.Digest, r.Referrers); err != nil {
		g.Say("gadget-run: not all signatures and documents of %s are kept: %v", ref, err)
	}
	if err := s.Put(g.Ctx, from, r.Root, artifact.StoredName(ref), archs); err != nil {
		return err
	}
	if err := sign.MarkLocal(g.State, r.Root.Digest); err != nil {
		return err
	}
	return success(g, "loaded", artifact.Pinned(ref, r.Root.Digest.String()))
}

// presentArchs returns the architectures of which an archive has the
// manifest: it may be that of one machine. Empty means all.
func presentArchs(ctx context.Context, from oci.Blobs, root ocispec.Descriptor) ([]arch.Arch, error) {
	data, err := oci.ReadBlob(ctx, from, root, oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	var idx ocispec.Index
	if err := json.Unmarshal(data, &idx); err != nil {
		return nil, fmt.Errorf("reading %s: %w", root.Digest, err)
	}
	var present []arch.Arch
	missing := false
	for _, d := range idx.Manifests {
		_, err := oci.ReadBlob(ctx, from, d, oci.MaxManifest)
		switch {
		case errors.Is(err, oci.ErrNotFound):
			missing = true
		case err != nil:
			return nil, err
		case d.Platform != nil:
			if a, err := arch.Parse(d.Platform.Architecture); err == nil {
				present = append(present, a)
			}
		}
	}
	if !missing {
		return nil, nil
	}
	return present, nil
}

// path is the archive as a file or directory; standard input is copied to one.
func (l *Load) path(g *cli.Globals) (path string, cleanup func(), err error) {
	path, cleanup = l.File, func() {}
	if path == "" {
		path = l.Input
	}
	var src io.Reader = g.Stdin
	if path != "" && path != "-" {
		st, err := os.Stat(path)
		if err != nil {
			return "", nil, fmt.Errorf("reading archive: %w", err)
		}
		if st.IsDir() {
			return path, cleanup, nil
		}
		f, err := os.Open(path)
		if err != nil {
			return "", nil, fmt.Errorf("reading archive: %w", err)
		}
		defer f.Close()
		if !gzipped(f) {
			return path, cleanup, nil
		}
		src = f
	}
	return spool(src)
}

func gzipped(f *os.File) bool {
	var magic [2]byte
	_, err := f.ReadAt(magic[:], 0)
	return err == nil && magic == [2]byte{0x1f, 0x8b}
}

// spool copies an archive, uncompressed, to a temporary file.
func spool(src io.Reader) (path string, cleanup func(), err error) {
	buffered := bufio.NewReaderSize(src, 1<<20)
	var r io.Reader = buffered
	if magic, err := buffered.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(buffered); err != nil {
			return "", nil, fmt.Errorf("reading archive: %w", err)
		}
	}
	f, err := os.CreateTemp("", "gadget-run-load-*.tar")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { _ = os.Remove(f.Name()) }
	err = errors.Join(copyTar(f, r), f.Close())
	if err != nil {
		cleanup()
		return "", nil, fmt.Errorf("reading archive: %w", err)
	}
	return f.Name(), cleanup, nil
}

// copyTar copies a tar, and stops where it ends or cannot be an archive of
// artifacts: what a few compressed bytes unpack to has no end otherwise.
func copyTar(w io.Writer, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: store.MaxArtifact + 1}
	tr := tar.NewReader(io.TeeReader(limited, w))
	for range oci.MaxTarEntries {
		h, err := tr.Next()
		switch {
		case limited.N <= 0 || err == nil && h.Size > limited.N:
			return fmt.Errorf("it has more than %d bytes", int64(store.MaxArtifact))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading tar: %w", err)
		}
	}
	return fmt.Errorf("it has more than %d members", oci.MaxTarEntries)
}
