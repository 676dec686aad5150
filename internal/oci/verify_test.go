package oci_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

var ctx = context.Background()

// place opens the same content for every descriptor.
type place []byte

func (p place) Open(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(p)), nil
}

func TestReadBlobVerifies(t *testing.T) {
	want := oci.Describe("a/b", []byte("content"))
	for _, tc := range []struct {
		name, content, err string
		d                  ocispec.Descriptor
	}{
		{name: "right", content: "content", d: want},
		{name: "empty", content: "", d: oci.Describe("", nil)},
		{name: "short", content: "conten", d: want, err: "it has 6 bytes instead of 7"},
		{name: "long", content: "content!", d: want, err: "it is longer than 7 bytes"},
		{name: "endless", content: strings.Repeat("x", 1<<20), d: want, err: "it is longer than 7 bytes"},
		{name: "other", content: "cOntent", d: want, err: "its digest is sha256:"},
		{
			name: "size of limit", content: "content", d: ocispec.Descriptor{Digest: want.Digest, Size: 100},
			err: "the limit 99",
		},
		{name: "negative", d: ocispec.Descriptor{Digest: want.Digest, Size: -1}, err: "its size -1"},
		{name: "not a digest", content: "content", d: ocispec.Descriptor{Size: 7}, err: "reading digest"},
		{name: "sha512", content: "content", d: ocispec.Descriptor{Digest: digest.Digest("sha512:" +
			strings.Repeat("0", 128)), Size: 7}, err: "reading digest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data, err := oci.ReadBlob(ctx, place(tc.content), tc.d, 99)
			if tc.err == "" {
				if err != nil || string(data) != tc.content {
					t.Errorf("%q, %v", data, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.err) || data != nil {
				t.Errorf("%q, error %v; want %q", data, err, tc.err)
			}
		})
	}
}

// cut is a place whose readers break off after their content.
type cut struct{ oci.Blobs }

func (c cut) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	r, err := c.Blobs.Open(ctx, d)
	return io.NopCloser(io.MultiReader(r, iotest.ErrReader(io.ErrUnexpectedEOF))), err
}

// What ends otherwise than at its end was not verified.
func TestReadBlobBrokenOff(t *testing.T) {
	d := oci.Describe("", []byte("content"))
	for _, p := range []oci.Blobs{place("content"), place("cOntent"), oci.Memory{d.Digest: []byte("cOntent")}} {
		if data, err := oci.ReadBlob(ctx, cut{p}, d, 99); err == nil {
			t.Errorf("%T: %q without an error", p, data)
		}
	}
}

// A place that verifies is not verified again, so that its own errors remain.
func TestReadBlobOfVerifyingPlace(t *testing.T) {
	d := oci.Describe("", []byte("content"))
	for _, wrong := range []string{"cOntent", "conten", "content!"} {
		if data, err := oci.ReadBlob(ctx, oci.Memory{d.Digest: []byte(wrong)}, d, 99); err == nil {
			t.Errorf("%q: %q without an error", wrong, data)
		}
	}
	other := oci.Describe("", []byte("other"))
	if data, err := oci.ReadBlob(ctx, answering{d, "content"}, other, 99); err == nil {
		t.Errorf("a reader that verifies another blob: %q without an error", data)
	}
}

// answering opens the blob d, whatever is asked for.
type answering struct {
	d       ocispec.Descriptor
	content string
}

func (a answering) Open(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return oci.NewVerifyReader(io.NopCloser(strings.NewReader(a.content)), a.d), nil
}

func TestVerifyReaderFailsWithTinyReads(t *testing.T) {
	d := oci.Describe("", []byte("content"))
	r := oci.NewVerifyReader(io.NopCloser(iotestOneByte{strings.NewReader("cOntent")}), d)
	_, err := io.Copy(io.Discard, r)
	var corrupt *oci.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Want != d.Digest {
		t.Errorf("error %v", err)
	}
	if n, again := r.Read(make([]byte, 1)); n != 0 || again == nil || again == io.EOF {
		t.Errorf("a second read gives %d, %v", n, again)
	}
}

// iotestOneByte reads a byte at a time.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }
