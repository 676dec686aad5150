// Command release makes what a version of rules_gadget is published as, from a
// clean checkout of its tag: the source archive, the entry of a module registry,
// the programs for nodes, their SBOMs and provenance, checksums and a signature.
// The same commit, Go and key give the same bytes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

const doc = "Makes the files of a release in a new directory, from a clean checkout of the version's tag."

// fromEnv is the prefix of a --key that names an environment variable.
const fromEnv = "env://"

type flags struct {
	Dir   string `arg:"" help:"Directory to make."`
	Key   string `required:"" env:"RELEASE_KEY" placeholder:"FILE" help:"Private key in PEM, or env://VARIABLE; COSIGN_PASSWORD has its password."`
	Tree  string `default:"." help:"Root of the checkout."`
	Bazel string `default:"./bazelw" help:"Bazel, with startup options."`
}

func main() { os.Exit(tool.Main("release", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("release", doc, &f, args, stdout); err != nil {
		return err
	}
	out, err := filepath.Abs(f.Dir)
	if err != nil {
		return err
	}
	key, err := readKey(ctx, f.Key)
	if err != nil {
		return fmt.Errorf("reading the key %q: %w", f.Key, err)
	}
	r := release{builder: bazel{command: strings.Fields(f.Bazel), log: stderr}, key: key}
	if r.tree, err = readTree(ctx, f.Tree); err != nil {
		return err
	}
	if err := r.writeInto(ctx, out); err != nil {
		return fmt.Errorf("making release %s: %w", r.tree.tag(), err)
	}
	_, err = fmt.Fprintln(stdout, out)
	return err
}

// readKey reads a private key from a file or from the environment.
func readKey(ctx context.Context, name string) (*sign.PrivateKey, error) {
	var data []byte
	if variable, ok := strings.CutPrefix(name, fromEnv); ok {
		if data = []byte(os.Getenv(variable)); len(data) == 0 {
			return nil, errors.New("the environment variable is not set")
		}
	} else {
		var err error
		if data, err = action.ReadInput(ctx, name, sign.MaxKeyFile); err != nil {
			return nil, err
		}
	}
	return sign.ParsePrivateKey(data, func() ([]byte, error) {
		password, ok := os.LookupEnv("COSIGN_PASSWORD")
		if !ok {
			return nil, errors.New("the key has a password, set COSIGN_PASSWORD")
		}
		return []byte(password), nil
	})
}

// writeInto makes the directory out, whole or not at all.
func (r *release) writeInto(ctx context.Context, out string) error {
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q exists, name a directory that does not", out)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".release-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := r.make(ctx, tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, out)
}
