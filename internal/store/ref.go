package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// maxRefFile bounds the file of one reference, in bytes.
const maxRefFile = 64 << 10

// Ref is a name in the store and the artifact that it refers to.
type Ref struct {
	Name   string             `json:"name"`
	Target ocispec.Descriptor `json:"target"`
	// Archs are the architectures whose content is here; empty means all.
	Archs []arch.Arch `json:"archs,omitempty"`
	// Size is what the content takes, in bytes.
	Size int64 `json:"size"`
	// Created is when the artifact says it was made, Stored when it came here.
	Created string    `json:"created,omitempty"`
	Stored  time.Time `json:"stored"`
	// Synced means that Sync made the name, which may therefore remove it. A user who
	// puts or tags the name makes it a person's.
	Synced bool `json:"synced,omitempty"`
}

// Covers reports whether r has the content of all archs; none means all
// that the artifact has.
func (r Ref) Covers(archs []arch.Arch) bool {
	if len(r.Archs) == 0 {
		return true
	}
	for _, a := range archs {
		if !slices.Contains(r.Archs, a) {
			return false
		}
	}
	return len(archs) > 0
}

// refFile is the file, below the store, that holds the reference name.
func refFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(refsDir, hex.EncodeToString(sum[:])+".json")
}

// Resolve returns what name, in the spelling with which it was put, refers to.
func (s *Store) Resolve(name string) (ocispec.Descriptor, error) {
	r, err := s.Lookup(name)
	return r.Target, err
}

// NotStored is the oci.ErrNotFound for a name or digest that the store in dir does
// not have.
func NotStored(name any, dir string) error {
	return oci.NotFound(fmt.Sprintf("%v is not in the store %q", name, dir))
}

// Lookup returns the reference with the given name.
func (s *Store) Lookup(name string) (Ref, error) {
	r, err := s.readRef(refFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Ref{}, NotStored(name, s.dir)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("looking up %s: %w", name, err)
	}
	return r, nil
}

func (s *Store) readRef(file string) (Ref, error) {
	f, err := os.Open(s.path(file))
	if err != nil {
		return Ref{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRefFile+1))
	if err != nil {
		return Ref{}, err
	}
	r, err := parseRef(data)
	if err == nil && refFile(r.Name) != file {
		err = fmt.Errorf("it names %q, which belongs in another file", r.Name)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("reading %q: %w", s.path(file), err)
	}
	return r, nil
}

// parseRef parses the file of a reference.
func parseRef(data []byte) (Ref, error) {
	var r Ref
	if len(data) > maxRefFile {
		return r, fmt.Errorf("it is larger than %d bytes", maxRefFile)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return Ref{}, err
	}
	if r.Name == "" {
		return Ref{}, errors.New("it has no name")
	}
	if err := oci.CheckDigest(r.Target.Digest); err != nil {
		return Ref{}, err
	}
	if r.Target.Size < 0 {
		return Ref{}, fmt.Errorf("its target has the size %d", r.Target.Size)
	}
	return r, nil
}

// List returns all references, sorted by name. Files that cannot be read are
// errors, joined, in addition to those that can.
func (s *Store) List() ([]Ref, error) {
	entries, err := os.ReadDir(s.path(refsDir))
	if err != nil {
		return nil, fmt.Errorf("listing the store: %w", err)
	}
	var refs []Ref
	var errs []error
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		r, err := s.readRef(filepath.Join(refsDir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
		case err != nil:
			errs = append(errs, err)
		default:
			refs = append(refs, r)
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	return refs, errors.Join(errs...)
}
