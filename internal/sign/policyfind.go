package sign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// SystemPolicy is the policy file of a machine.
const SystemPolicy = "/etc/gadget-run/policy.yaml"

// FindPolicy reads the policy that holds: of path when it is not empty, else
// SystemPolicy, else gadget-run/policy.yaml below configHome, the user's
// configuration directory. If none exists it is DefaultPolicy. A file that
// cannot be read is an error, never ignored.
func FindPolicy(ctx context.Context, path, configHome string) (*Policy, error) {
	if path != "" {
		return readPolicy(ctx, path)
	}
	places := []string{SystemPolicy}
	if filepath.IsAbs(configHome) {
		places = append(places, filepath.Join(configHome, "gadget-run", "policy.yaml"))
	}
	for _, place := range places {
		_, err := os.Lstat(place) // a link that leads nowhere is there, too
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		return readPolicy(ctx, place)
	}
	return DefaultPolicy(), nil
}

// missingKeyError keeps a missing key file from passing for a missing policy.
type missingKeyError struct{ text string }

func (e missingKeyError) Error() string { return e.text }

func readPolicy(ctx context.Context, path string) (*Policy, error) {
	data, err := action.ReadInput(ctx, path, MaxPolicy)
	if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	p, err := ParsePolicy(data, path, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		data, err := action.ReadFile(name, MaxKeyFile)
		if err != nil {
			err = missingKeyError{err.Error()}
		}
		return data, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the policy %q: %w", path, err)
	}
	return p, nil
}
