package imagecmd_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// Signatures share a tag, and bundles a list of referrers: of two who sign at
// the same time neither is lost.
func TestSignConcurrently(t *testing.T) {
	const rounds = 10
	addr := registrytest.Start(t, registrytest.Config{}).Addr
	layout := gadgettest.Layout(t, "testdata/open.bpf.o", "testdata/open.yaml", arch.AMD64)
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	command := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(append([]string{"--state", filepath.Join(dir, "state")}, args...), strings.NewReader(""), &out, &out)
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, &out)
		}
		return out.String(), nil
	}
	private := []string{ed25519Key(t, dir, "one"), ed25519Key(t, dir, "two")}
	var group errgroup.Group
	for round := range rounds { // all at the same time: each waits to see whether its change of the tag stays
		group.Go(func() error {
			return signAtOnce(command, fmt.Sprintf("%s/signed/g%d:v1", addr, round), layout, private)
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// signAtOnce pushes an artifact, signs it with all keys at the same time and verifies
// it with each.
func signAtOnce(command func(args ...string) (string, error), ref, layout string, private []string) error {
	for _, args := range [][]string{{"image", "load", "--tag", ref, layout}, {"image", "push", ref}} {
		if _, err := command(args...); err != nil {
			return err
		}
	}
	var group errgroup.Group
	for _, key := range private {
		group.Go(func() error {
			_, err := command("image", "sign", "--key", key, ref)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, key := range private {
		out, err := command("image", "verify", "--key", key+".pub", ref)
		if err != nil {
			return err
		}
		for _, form := range []string{"tag", "bundle"} {
			if !strings.Contains(out, "as a "+form) {
				return fmt.Errorf("%s: the %s by %s is lost: %s", ref, form, filepath.Base(key), out)
			}
		}
	}
	return nil
}

// ed25519Key writes a key pair and returns the path of the private one; the
// public one is next to it, with the extension ".pub".
func ed25519Key(t *testing.T, dir, name string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".pem")
	for file, key := range map[string]any{path: private, path + ".pub": public} {
		block := &pem.Block{Type: "PRIVATE KEY"}
		if file == path {
			block.Bytes, err = x509.MarshalPKCS8PrivateKey(key)
		} else {
			block.Type = "PUBLIC KEY"
			block.Bytes, err = x509.MarshalPKIXPublicKey(key)
		}
		if err == nil {
			err = os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}
