package sign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// recordsDir is the directory of records in the state directory, next to the store's.
const recordsDir = "verified"

const recordExt = ".json"

// maxRecord is the size of a record, in bytes: every signature in base64.
const maxRecord = 4 * MaxBundle

// Record is what is remembered of an artifact. The signatures themselves are
// in it and are verified each time; what nothing else proves is sealed with a
// secret of the state directory. So write access to the record alone cannot
// make an artifact pass that the policy does not let run.
type Record struct {
	// Local means that a person loaded or built the artifact here.
	Local bool `json:"local,omitempty"`
	// Here means that it was pulled from a registry of this machine.
	Here bool `json:"here,omitempty"`
	// Seal binds Local and Here to the artifact and to this machine.
	Seal string `json:"seal,omitempty"`
	// Policy is the hash of the policy under which Signatures were found good.
	Policy     string      `json:"policy,omitempty"`
	Signers    []Signer    `json:"signers,omitempty"`
	Signatures []Signature `json:"signatures,omitempty"`
}

func recordFile(state string, d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil {
		return "", fmt.Errorf("digest %q: %w", d, err)
	}
	return filepath.Join(state, recordsDir, d.Algorithm().String()+"-"+d.Encoded()+recordExt), nil
}

// ReadRecord returns what is remembered of an artifact; nothing is the zero
// Record. A record that cannot be read counts as none.
func ReadRecord(state string, d digest.Digest) (Record, error) {
	name, err := recordFile(state, d)
	if err != nil {
		return Record{}, err
	}
	data, err := action.ReadFile(name, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("reading the record of %s: %w", d, err)
	}
	r := parseRecord(data)
	err = r.unseal(state, d)
	return r, err
}

// parseRecord reads a record. A damaged one is as good as none.
func parseRecord(data []byte) Record {
	var r Record
	if json.Unmarshal(data, &r) != nil || len(r.Signatures) > MaxSignatures {
		return Record{}
	}
	return r
}

// MarkLocal remembers that a person loaded or built the artifact here.
func MarkLocal(state string, d digest.Digest) error {
	return mark(state, d, func(r *Record) *bool { return &r.Local })
}

// MarkHere remembers that the artifact was pulled from a registry of this machine.
func MarkHere(state string, d digest.Digest) error {
	return mark(state, d, func(r *Record) *bool { return &r.Here })
}

func mark(state string, d digest.Digest, flag func(*Record) *bool) error {
	r, err := ReadRecord(state, d)
	if err != nil || *flag(&r) {
		return err
	}
	*flag(&r) = true
	return writeRecord(state, d, r)
}

func writeRecord(state string, d digest.Digest, r Record) error {
	name, err := recordFile(state, d)
	if err != nil {
		return err
	}
	if err := r.seal(state, d); err != nil {
		return fmt.Errorf("recording %s: %w", d, err)
	}
	data, err := action.JSON(r)
	if err != nil {
		return err
	}
	if len(data) > maxRecord {
		return nil // it is fetched again next time
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("recording the signatures of %s: %w", d, err)
	}
	if err := action.WriteFile(name, data); err != nil {
		return fmt.Errorf("recording the signatures of %s: %w", d, err)
	}
	return nil
}

// Forget removes what is remembered of artifacts that keep does not want, and
// returns how many those were.
func Forget(state string, keep func(digest.Digest) bool) (int, error) {
	entries, err := os.ReadDir(filepath.Join(state, recordsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the record: %w", err)
	}
	forgotten := 0
	for _, e := range entries {
		d, ok := recordDigest(e.Name())
		if !ok || keep(d) {
			continue
		}
		if err := os.Remove(filepath.Join(state, recordsDir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return forgotten, fmt.Errorf("removing the record of %s: %w", d, err)
		}
		forgotten++
	}
	return forgotten, nil
}

// recordDigest is the reverse of recordFile.
func recordDigest(name string) (digest.Digest, bool) {
	algorithm, encoded, ok := strings.Cut(strings.TrimSuffix(name, recordExt), "-")
	d := digest.NewDigestFromEncoded(digest.Algorithm(algorithm), encoded)
	return d, ok && strings.HasSuffix(name, recordExt) && d.Validate() == nil
}
