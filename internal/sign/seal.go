package sign

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// SecretFile is the file of the state directory, in which the store is, that holds the
// secret of its seals; only its owner may read it.
const SecretFile = "seal.key"

const secretSize = 32

// seal sets the seal of what r claims about d; a record that claims nothing
// has none.
func (r *Record) seal(state string, d digest.Digest) error {
	r.Seal = ""
	if !r.Local && !r.Here {
		return nil
	}
	secret, err := readSecret(state)
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = makeSecret(state)
	}
	r.Seal = r.sum(secret, d)
	return err
}

// unseal drops the claims of a record that is not sealed here.
func (r *Record) unseal(state string, d digest.Digest) error {
	if !r.Local && !r.Here {
		return nil
	}
	secret, err := readSecret(state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || !hmac.Equal([]byte(r.Seal), []byte(r.sum(secret, d))) {
		r.Local, r.Here, r.Seal = false, false, ""
	}
	return nil
}

func (r *Record) sum(secret []byte, d digest.Digest) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s local=%t here=%t", d, r.Local, r.Here)
	return hex.EncodeToString(mac.Sum(nil))
}

// readSecret reads the secret, which must be one that no other user can read or
// have put there.
func readSecret(state string) ([]byte, error) {
	name := filepath.Join(state, SecretFile)
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	owner, hasOwner := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || hasOwner && owner.Uid != 0 &&
		int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("the file %q must be a file that only its owner can read, and the owner you or root, remove "+
			"it and load or build local artifacts again", name)
	}
	secret, err := action.ReadFile(name, secretSize)
	if err == nil && len(secret) != secretSize {
		err = fmt.Errorf("the file %q has %d bytes instead of %d, remove it and load or build local artifacts again", name,
			len(secret), secretSize)
	}
	return secret, err
}

// makeSecret makes the secret, or returns the one that another process has made
// meanwhile.
func makeSecret(state string) ([]byte, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(state, "."+SecretFile+"-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), filepath.Join(state, SecretFile)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readSecret(state)
}
