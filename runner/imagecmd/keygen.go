package imagecmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Keygen is "image keygen".
type Keygen struct {
	Name string `arg:"" optional:"" default:"gadget" help:"Prefix of the file names: NAME.key and NAME.pub."`
}

// Run makes a key pair that image sign and cosign sign with. It overwrites
// nothing: a key that is lost cannot sign again.
func (k *Keygen) Run(g *cli.Globals) error {
	private, public := k.Name+".key", k.Name+".pub"
	for _, file := range []string{private, public} {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("file %q already exists, move it or choose another name", file)
		}
	}
	password, err := newPassword(g)
	if err != nil {
		return err
	}
	secret, shown, err := sign.GenerateKey(password)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	if err := writeNew(private, secret, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, shown, 0o644); err != nil {
		return errors.Join(err, os.Remove(private))
	}
	g.Say("Wrote the private key to %s and the public key to %s", private, public)
	return show.Line(g.Stdout, "%s", public)
}

// newPassword is that of the environment, or read twice from the terminal.
func newPassword(g *cli.Globals) ([]byte, error) {
	if password, ok := os.LookupEnv(passwordEnv); ok {
		return []byte(password), nil
	}
	first, err := askSecret(g, "Password for the new key: ")
	var usage *cli.UsageError
	if errors.As(err, &usage) {
		return nil, cli.Usage(fmt.Errorf("the key needs a password, set %s", passwordEnv))
	}
	if err != nil {
		return nil, err
	}
	again, err := askSecret(g, "The same again: ")
	if err == nil && again != first {
		err = errors.New("the passwords differ, try again")
	}
	return []byte(first), err
}

// writeNew writes a file that must not be there.
func writeNew(name string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
