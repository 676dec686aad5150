package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Environment variables that name credentials files.
const (
	authFileEnv     = "REGISTRY_AUTH_FILE"
	dockerConfigEnv = "DOCKER_CONFIG"
)

// igAuthFile is where Inspektor Gadget's ig keeps root's credentials.
const igAuthFile = "/var/lib/ig/config.json"

// Credentials finds the credentials of a registry. The files are, in this
// order: the one that the user named, or the one that REGISTRY_AUTH_FILE
// names, and then no other; else /var/lib/ig/config.json for root, podman's
// auth.json, docker's config.json. The first that knows the registry counts.
type Credentials struct {
	files    []string
	explicit bool

	mu   sync.Mutex
	seen map[string]string
}

// FindCredentials returns the credentials of the host, or those of authFile
// when it is not empty.
func FindCredentials(authFile string) (*Credentials, error) {
	return FindCredentialsOf(os.Getuid(), authFile)
}

// FindCredentialsOf is FindCredentials for a process that has another user id
// than the user who started it, as in a user namespace.
func FindCredentialsOf(uid int, authFile string) (*Credentials, error) {
	c := &Credentials{seen: map[string]string{}}
	if authFile == "" {
		authFile = os.Getenv(authFileEnv)
	}
	if authFile != "" {
		c.files, c.explicit = []string{authFile}, true
		return c, nil
	}
	c.files = hostAuthFiles(uid, os.Getenv)
	return c, nil
}

// hostAuthFiles lists the places in which container tools keep credentials.
func hostAuthFiles(uid int, getenv func(string) string) []string {
	var files []string
	if uid == 0 {
		files = append(files, igAuthFile)
	}
	home := getenv("HOME")
	if run := getenv("XDG_RUNTIME_DIR"); run != "" {
		files = append(files, filepath.Join(run, "containers", "auth.json"))
	} else {
		files = append(files, fmt.Sprintf("/run/containers/%d/auth.json", uid))
	}
	switch config := getenv("XDG_CONFIG_HOME"); {
	case config != "":
		files = append(files, filepath.Join(config, "containers", "auth.json"))
	case home != "":
		files = append(files, filepath.Join(home, ".config", "containers", "auth.json"))
	}
	switch docker := getenv(dockerConfigEnv); {
	case docker != "":
		files = append(files, filepath.Join(docker, "config.json"))
	case home != "":
		files = append(files, filepath.Join(home, ".docker", "config.json"))
	}
	return files
}

// authenticator returns what to show to a host for a repository: the first
// file's credentials that has some, or none.
func (c *Credentials) authenticator(ctx context.Context, h, repository string) (authn.Authenticator, error) {
	cfg, file, err := c.Lookup(ctx, h, repository)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.seen[h] = file
	c.mu.Unlock()
	if file == "" {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(cfg), nil
}

// Lookup returns the credentials for a host and the file they come from; the
// file is empty where none exist.
func (c *Credentials) Lookup(ctx context.Context, h, repository string) (authn.AuthConfig, string, error) {
	for _, path := range c.files {
		f, err := readAuthFile(path)
		if errors.Is(err, fs.ErrNotExist) || !c.explicit && errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return authn.AuthConfig{}, "", err
		}
		cfg, ok, err := f.find(ctx, h, repository)
		if err != nil {
			return authn.AuthConfig{}, "", fmt.Errorf("reading credentials of %s from %q: %w", h, path, err)
		}
		if ok {
			return cfg, path, nil
		}
	}
	return authn.AuthConfig{}, "", nil
}

// used says where the credentials shown to h came from, for errors.
func (c *Credentials) used(h string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file := c.seen[h]; file != "" {
		return fmt.Sprintf("with the credentials in %q", file)
	}
	if c.explicit {
		return fmt.Sprintf("%q has no credentials for it", strings.Join(c.files, ", "))
	}
	return "no credentials found"
}
