package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// maxAuthFile bounds a credentials file, in bytes.
const maxAuthFile = 4 << 20

// dockerHubKey is the key under which docker keeps Docker Hub's credentials.
const dockerHubKey = "https://index.docker.io/v1/"

// authFile is a credentials file of docker or podman. Members that are not
// understood are kept when it is written back.
type authFile struct {
	Auths       map[string]authEntry
	CredHelpers map[string]string
	CredsStore  string

	members map[string]json.RawMessage
	auths   map[string]json.RawMessage
}

// authEntry is one registry's entry in a credentials file.
type authEntry struct {
	Auth          string `json:"auth,omitempty"` // base64 of user:password
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
}

func readAuthFile(path string) (*authFile, error) {
	data, err := action.ReadFile(path, maxAuthFile)
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	parsed, err := parseAuthFile(data)
	if err != nil {
		return nil, fmt.Errorf("reading credentials %q: %w", path, err)
	}
	return parsed, nil
}

// parseAuthFile reads the JSON of a credentials file. Empty is not an entry.
func parseAuthFile(data []byte) (*authFile, error) {
	f := &authFile{
		Auths: map[string]authEntry{}, members: map[string]json.RawMessage{}, auths: map[string]json.RawMessage{},
	}
	if len(data) > maxAuthFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxAuthFile)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(data, &f.members); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	fields := map[string]any{"auths": &f.auths, "credHelpers": &f.CredHelpers, "credsStore": &f.CredsStore}
	for key, into := range fields {
		if raw, ok := f.members[key]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				return nil, fmt.Errorf("member %q: %w", key, err)
			}
		}
	}
	for host, raw := range f.auths {
		var e authEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("entry %q: %w", host, err)
		}
		f.Auths[host] = e
	}
	if f.members == nil {
		f.members = map[string]json.RawMessage{}
	}
	if f.auths == nil {
		f.auths = map[string]json.RawMessage{}
	}
	return f, nil
}

// find returns the credentials for a repository of a host: a helper's, or the
// entry with the longest matching key.
func (f *authFile) find(ctx context.Context, h, repository string) (authn.AuthConfig, bool, error) {
	if helper := f.helper(h); helper != "" {
		cfg, err := runHelperGet(ctx, helper, serverKey(h))
		if err == nil {
			return cfg, true, nil
		}
		if !errors.Is(err, errNoCredentials) {
			return authn.AuthConfig{}, false, err
		}
	}
	for _, key := range lookupKeys(h, repository) {
		for have, entry := range f.Auths {
			if !sameKey(have, key) {
				continue
			}
			cfg, err := entry.config()
			if err != nil {
				return cfg, false, fmt.Errorf("entry %q: %w", have, err)
			}
			if cfg != (authn.AuthConfig{}) {
				return cfg, true, nil
			}
		}
	}
	return authn.AuthConfig{}, false, nil
}

// helper returns the credential helper for a host, or "".
func (f *authFile) helper(h string) string {
	for _, key := range []string{h, serverKey(h), displayHost(h)} {
		if name := f.CredHelpers[key]; name != "" {
			return name
		}
	}
	return f.CredsStore
}

// lookupKeys lists the keys that apply to a repository, most specific first.
func lookupKeys(h, repository string) []string {
	var keys []string
	for path := repository; path != ""; {
		keys = append(keys, h+"/"+path)
		i := strings.LastIndexByte(path, '/')
		path = path[:max(i, 0)]
	}
	return append(keys, h)
}

// sameKey reports whether the key of an entry, in any of the spellings in the
// field, means want.
func sameKey(have, want string) bool {
	have = strings.TrimPrefix(strings.TrimPrefix(have, "https://"), "http://")
	have = strings.TrimSuffix(have, "/")
	have = strings.TrimSuffix(strings.TrimSuffix(have, "/v1"), "/v2")
	first, rest, slash := strings.Cut(have, "/")
	if first == dockerHub || first == "registry-1.docker.io" {
		first = dockerHubIndex
	}
	if slash {
		first += "/" + rest
	}
	return first == want
}

// serverKey is the key under which docker stores a host's credentials.
func serverKey(h string) string {
	if h == dockerHubIndex {
		return dockerHubKey
	}
	return h
}

// displayHost is how users write a host.
func displayHost(h string) string {
	if h == dockerHubIndex {
		return dockerHub
	}
	return h
}

func (e authEntry) config() (authn.AuthConfig, error) {
	cfg := authn.AuthConfig{
		Username: e.Username, Password: e.Password,
		IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken,
	}
	if e.Auth == "" {
		return cfg, nil
	}
	raw, err := base64.StdEncoding.DecodeString(e.Auth)
	if err != nil {
		return cfg, errors.New("member \"auth\" is not base64")
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(raw), "\x00"), ":")
	if !ok {
		return cfg, errors.New("member \"auth\" is not the base64 of user:password")
	}
	cfg.Username, cfg.Password = user, password
	return cfg, nil
}
