package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// ErrNotLoggedIn means that no credentials for a registry are known.
var ErrNotLoggedIn = errors.New("not logged into")

// hostOf returns the host of a registry as the user writes it, which may be
// an address with a scheme and a path.
func hostOf(registry string) (string, error) {
	h := strings.TrimPrefix(strings.TrimPrefix(registry, "https://"), "http://")
	h, _, _ = strings.Cut(h, "/")
	if !hostPattern.MatchString(h) {
		return "", fmt.Errorf("%q is not a registry, write host[:port]", registry)
	}
	return host(h), nil
}

// LoggedIn returns the user whose credentials a registry would get.
func (c *Client) LoggedIn(ctx context.Context, registry string) (string, error) {
	h, err := hostOf(registry)
	if err != nil {
		return "", err
	}
	cfg, file, err := c.creds.Lookup(ctx, h, "")
	if err != nil {
		return "", err
	}
	if file == "" {
		return "", fmt.Errorf("%w %s", ErrNotLoggedIn, displayHost(h))
	}
	if cfg.Username == "" {
		return tokenUser, nil
	}
	return cfg.Username, nil
}

// Login tries the credentials at the registry and, when it accepts them,
// stores them. It returns the file that they are in.
func (c *Client) Login(ctx context.Context, registry, user, password string) (string, error) {
	h, err := hostOf(registry)
	if err != nil {
		return "", err
	}
	if err := c.try(ctx, h, authn.AuthConfig{Username: user, Password: password}); err != nil {
		return "", fmt.Errorf("logging into %s: %w", displayHost(h), err)
	}
	file := c.creds.loginFile()
	if err := store(ctx, file, h, user, password); err != nil {
		return "", fmt.Errorf("storing credentials in %q: %w", file, err)
	}
	return file, nil
}

// try makes an authenticated request, and where the registry is open to anyone
// another, for what most of those do not show to anyone.
func (c *Client) try(ctx context.Context, h string, cfg authn.AuthConfig) error {
	s, err := c.session(where{host: h})
	if err != nil {
		return err
	}
	pr, err := s.ping(ctx)
	if err != nil {
		return c.explain(err, h)
	}
	auth := authn.FromConfig(cfg)
	inner, err := s.authenticated(ctx, auth, pr, nil)
	if err != nil {
		return c.refusedLogin(err, h)
	}
	rt := &challenged{session: s, auth: auth, way: wayOf(pr), inner: inner}
	scheme := "https"
	if pr.Insecure {
		scheme = "http"
	}
	if _, err := c.get(ctx, rt, fmt.Sprintf("%s://%s/v2/", scheme, h)); err != nil || pr.Scheme != "" {
		return err
	}
	status, err := c.get(ctx, rt, fmt.Sprintf("%s://%s/v2/_catalog?n=1", scheme, h))
	switch {
	case strings.EqualFold(rt.way.scheme, "bearer"): // its token server took them
		return nil
	case status == http.StatusUnauthorized:
		return err
	case rt.way.scheme == "":
		c.log(fmt.Sprintf("%s did not request credentials, so they could not be verified", displayHost(h)))
	}
	return nil
}

// get makes one request, which must succeed.
func (c *Client) get(ctx context.Context, rt http.RoundTripper, address string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return 0, c.refusedLogin(err, req.URL.Host)
	}
	defer drain(resp)
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return resp.StatusCode, c.refusedLogin(err, req.URL.Host)
	}
	return resp.StatusCode, nil
}

// refusedLogin explains the error of a login.
func (c *Client) refusedLogin(err error, h string) error {
	var answer *transport.Error
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized ||
		answer.StatusCode == http.StatusForbidden) {
		return &Error{Host: h, Status: answer.StatusCode, Text: "wrong user name or password" + diagnostics(answer), Err: err}
	}
	return c.explain(err, h)
}

// loginFile is where new credentials go: the file that was named; for root
// that of ig; for others podman's.
func (c *Credentials) loginFile() string { return c.files[0] }

// Remove removes a registry's credentials from every file that is searched.
// It returns the registry as users write it.
func (c *Credentials) Remove(ctx context.Context, registry string) (string, error) {
	h, err := hostOf(registry)
	if err != nil {
		return "", err
	}
	removed := false
	for _, path := range c.files {
		did, err := edit(path, func(f *authFile) (bool, error) { return f.remove(ctx, h) })
		if err != nil {
			return "", fmt.Errorf("removing credentials of %s from %q: %w", displayHost(h), path, err)
		}
		removed = removed || did
	}
	if !removed {
		return "", fmt.Errorf("%w %s", ErrNotLoggedIn, displayHost(h))
	}
	return displayHost(h), nil
}

// RemoveAll removes the credentials of all registries from the file that a
// login would write.
func (c *Credentials) RemoveAll(ctx context.Context) error {
	path := c.loginFile()
	_, err := edit(path, func(f *authFile) (bool, error) {
		for key := range f.auths {
			if _, err := f.remove(ctx, keyHost(key)); err != nil {
				return false, err
			}
		}
		f.auths = map[string]json.RawMessage{}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("removing credentials from %q: %w", path, err)
	}
	return nil
}

// keyHost is the host in the key of an entry.
func keyHost(key string) string {
	h, err := hostOf(key)
	if err != nil {
		return key
	}
	return h
}

// remove drops the entries of h itself, not those of its repositories.
func (f *authFile) remove(ctx context.Context, h string) (bool, error) {
	removed := false
	if helper := f.helper(h); helper != "" {
		if _, err := runHelperGet(ctx, helper, serverKey(h)); err == nil {
			removed = true
		}
		if err := runHelperErase(ctx, helper, serverKey(h)); err != nil {
			return false, err
		}
	}
	for key := range f.auths {
		if sameKey(key, h) {
			delete(f.auths, key)
			removed = true
		}
	}
	return removed, nil
}

// store writes credentials into a file, or gives them to the helper that the
// file names.
func store(ctx context.Context, path, h, user, password string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	_, err := edit(path, func(f *authFile) (bool, error) {
		entry := authEntry{Auth: base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
		if helper := f.helper(h); helper != "" {
			if err := runHelperStore(ctx, helper, helperCredentials{serverKey(h), user, password}); err != nil {
				return false, err
			}
			entry = authEntry{}
		}
		for key := range f.auths {
			if sameKey(key, h) {
				delete(f.auths, key)
			}
		}
		raw, err := json.Marshal(entry)
		f.auths[serverKey(h)] = raw
		return true, err
	})
	return err
}

// edit reads a credentials file, changes it, and replaces it when change
// returns true. Two edits at once do not lose one of them: the directory is locked.
func edit(path string, change func(*authFile) (bool, error)) (bool, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	dir, err := os.OpenFile(filepath.Dir(path), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return false, err
	}
	f, err := readAuthFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = parseAuthFile(nil)
	}
	if err != nil {
		return false, err
	}
	changed, err := change(f)
	if err != nil || !changed {
		return false, err
	}
	return true, f.write(path)
}

// write replaces the file at path. Only its owner may read it.
func (f *authFile) write(path string) error {
	raw, err := json.Marshal(f.auths)
	if err != nil {
		return err
	}
	f.members["auths"] = raw
	data, err := json.MarshalIndent(f.members, "", "\t")
	if err != nil {
		return err
	}
	return action.WriteSecret(path, append(data, '\n'))
}
