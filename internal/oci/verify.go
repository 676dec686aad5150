package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CorruptError means that content does not have the size or the digest that its
// descriptor promises.
type CorruptError struct {
	// Want is the promised digest.
	Want digest.Digest
	// Reason says in what the content differs.
	Reason string
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("blob %s is corrupt: %s", e.Want, e.Reason)
}

// verifyReader hashes and counts what passes through it.
type verifyReader struct {
	r    io.ReadCloser
	want ocispec.Descriptor
	hash hash.Hash
	n    int64
	err  error

	explain func(error) error // nil for none
}

// NewVerifyReader returns r as a reader that fails with a *CorruptError, at
// the latest where r ends, when the content does not have d's size and digest.
// It reads at most one byte more than d.Size.
func NewVerifyReader(r io.ReadCloser, d ocispec.Descriptor) io.ReadCloser {
	return NewExplainedVerifyReader(r, d, nil)
}

// NewExplainedVerifyReader is NewVerifyReader for a place of blobs whose errors say
// more: explain returns what Read returns in place of an error, which is never io.EOF.
func NewExplainedVerifyReader(r io.ReadCloser, d ocispec.Descriptor, explain func(error) error) io.ReadCloser {
	return &verifyReader{r: r, want: d, hash: sha256.New(), err: CheckDigest(d.Digest), explain: explain}
}

// CheckDigest returns an error when d is not a well-formed sha256 digest, the
// one kind that this project reads and writes.
func CheckDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("reading digest %q: %w", string(d), err)
	}
	if d.Algorithm() != digest.SHA256 {
		return fmt.Errorf("reading digest %q: algorithm %q is not supported, use sha256", string(d), d.Algorithm())
	}
	return nil
}

// Read implements io.Reader.
func (v *verifyReader) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.failure()
	}
	if rest := v.want.Size - v.n + 1; int64(len(p)) > rest {
		p = p[:max(rest, 0)]
	}
	n, err := v.r.Read(p)
	v.n += int64(n)
	v.hash.Write(p[:n])
	switch {
	case v.n > v.want.Size:
		v.err = v.corrupt("it is longer than %d bytes", v.want.Size)
	case err == io.EOF:
		v.err = v.finish()
	default:
		v.err = err
	}
	if v.err != nil && !errors.Is(v.err, io.EOF) {
		return 0, v.failure()
	}
	return n, v.err
}

// failure returns the error of the reader as its place explains it.
func (v *verifyReader) failure() error {
	if v.explain == nil || errors.Is(v.err, io.EOF) {
		return v.err
	}
	return v.explain(v.err)
}

// finish returns io.EOF when all content has passed and is as promised.
func (v *verifyReader) finish() error {
	if v.n < v.want.Size {
		return v.corrupt("it has %d bytes instead of %d", v.n, v.want.Size)
	}
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Digest.Encoded() {
		return v.corrupt("its digest is sha256:%s", got)
	}
	return io.EOF
}

func (v *verifyReader) corrupt(format string, args ...any) error {
	return &CorruptError{Want: v.want.Digest, Reason: fmt.Sprintf(format, args...)}
}

// Close implements io.Closer.
func (v *verifyReader) Close() error { return v.r.Close() }

// ReadBlob returns the verified content of d from b. Content of more than
// limit bytes is refused before anything is read.
func ReadBlob(ctx context.Context, b Blobs, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size < 0 || d.Size > limit {
		return nil, fmt.Errorf("reading blob %s: its size %d is not between 0 and the limit %d", d.Digest, d.Size, limit)
	}
	r, err := b.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if v, ok := r.(*verifyReader); !ok || v.want.Digest != d.Digest || v.want.Size != d.Size {
		r = NewVerifyReader(r, d)
	}
	data := make([]byte, d.Size+1) // the reader fails before it fills the last byte
	for n := 0; ; {
		m, err := r.Read(data[n:])
		n += m
		if err == io.EOF {
			return data[:n:n], nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading blob: %w", err)
		}
	}
}
