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
	command := func(args ...string) error {
		var out bytes.Buffer
		if err := run(append([]string{"--state", filepath.Join(dir, "state")}, args...), strings.NewReader(""), &out,
			&out); err != nil {
			return fmt.Errorf("%w: %s", err, &out)
		}
		return nil
	}
	private := []string{ed25519Key(t, dir, "one"), ed25519Key(t, dir, "two")}
	for round := range rounds {
		ref := fmt.Sprintf("%s/signed/g%d:v1", addr, round)
		for _, args := range [][]string{{"image", "load", "--tag", ref, layout}, {"image", "push", ref}} {
			if err := command(args...); err != nil {
				t.Fatal(err)
			}
		}
		var group errgroup.Group
		for _, key := range private {
			group.Go(func() error { return command("image", "sign", "--key", key, ref) })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, key := range private {
			for _, form := range []string{"tag", "bundle"} {
				var out bytes.Buffer
				err := run([]string{"--state", filepath.Join(dir, "state"), "image", "verify", "--key", key + ".pub", ref}, nil,
					&out, &out)
				if err != nil || !strings.Contains(out.String(), "as a "+form) {
					t.Errorf("round %d: the %s by %s is lost: %v: %s", round, form, filepath.Base(key), err, &out)
				}
			}
		}
	}
}

// ed25519Key writes a key pair and returns the path of the private one; the
// public one is beside it, with ".pub" at its end.
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
