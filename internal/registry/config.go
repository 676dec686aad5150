package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// ConfigEnv names the registries configuration, in place of the host's files.
const ConfigEnv = "GADGET_RUN_REGISTRIES"

// maxConfigFile bounds a registries configuration, in bytes.
const maxConfigFile = 1 << 20

// Config is a registries configuration: the members of containers'
// registries.conf (version 2) that concern mirrors and insecure registries,
// and members of our own, which other tools ignore.
type Config struct {
	// DefaultRegistry and DefaultPrefix complete references without a registry.
	DefaultRegistry string `toml:"default-registry"`
	DefaultPrefix   string `toml:"default-prefix"`
	// Registries are the tables [[registry]].
	Registries []RegistryConfig `toml:"registry"`
}

// RegistryConfig is one [[registry]] of a Config.
type RegistryConfig struct {
	// Prefix selects the references that the table is about: host[:port],
	// followed by a path or not, or *.domain. Empty means Location.
	Prefix string `toml:"prefix"`
	// Location replaces Prefix in the address; empty means Prefix.
	Location string `toml:"location"`
	// Insecure allows plain HTTP and certificates that do not verify.
	Insecure bool `toml:"insecure"`
	// Blocked refuses every access.
	Blocked bool `toml:"blocked"`
	// Mirrors are tried in order before Location, for pulls.
	Mirrors []MirrorConfig `toml:"mirror"`
	// CAFile and CertDir are as in Options, for this registry (ours).
	CAFile  string `toml:"ca-file"`
	CertDir string `toml:"cert-dir"`
}

// MirrorConfig is one [[registry.mirror]].
type MirrorConfig struct {
	Location string `toml:"location"`
	Insecure bool   `toml:"insecure"`
}

// HostConfig reads the configuration that GADGET_RUN_REGISTRIES names, or the
// first that exists of: the user's and the host's gadget-run/registries.conf,
// the user's and the host's containers/registries.conf.
func HostConfig() (*Config, error) {
	if path := os.Getenv(ConfigEnv); path != "" {
		return ReadConfig(path)
	}
	for _, path := range configFiles(os.Getenv) {
		cfg, err := ReadConfig(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		return cfg, err
	}
	return &Config{}, nil
}

func configFiles(getenv func(string) string) []string {
	user := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); user == "" && home != "" {
		user = filepath.Join(home, ".config")
	}
	var files []string
	for _, tool := range []string{"gadget-run", "containers"} {
		if tool == "containers" {
			if path := getenv("CONTAINERS_REGISTRIES_CONF"); path != "" {
				files = append(files, path)
			}
		}
		if user != "" {
			files = append(files, filepath.Join(user, tool, "registries.conf"))
		}
		files = append(files, filepath.Join("/etc", tool, "registries.conf"))
	}
	return files
}

// ReadConfig reads the configuration at path.
func ReadConfig(path string) (*Config, error) {
	data, err := action.ReadFile(path, maxConfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading registries configuration: %w", err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("reading registries configuration %q: %w", path, err)
	}
	return cfg, nil
}

// ParseConfig parses the TOML of a registries configuration.
func ParseConfig(data []byte) (*Config, error) {
	if len(data) > maxConfigFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxConfigFile)
	}
	var cfg Config
	if _, err := toml.Decode(string(data), &cfg); err != nil {
		return nil, err
	}
	for i, r := range cfg.Registries {
		if r.Prefix == "" {
			cfg.Registries[i].Prefix = r.Location
		}
		if r.Location == "" && !strings.HasPrefix(r.Prefix, "*.") {
			cfg.Registries[i].Location = r.Prefix
		}
		if cfg.Registries[i].Prefix == "" {
			return nil, fmt.Errorf("[[registry]] number %d has neither prefix nor location, set one", i+1)
		}
		for j, m := range r.Mirrors {
			if !hostPattern.MatchString(hostPart(m.Location)) {
				return nil, fmt.Errorf("mirror number %d of %q: %q is not a registry, write host[:port][/path]", j+1,
					cfg.Registries[i].Prefix, withoutPassword(m.Location))
			}
		}
	}
	return &cfg, nil
}

// withoutPassword leaves out of an address, for errors, the text before an @:
// some write a user and a password there.
func withoutPassword(location string) string {
	i := strings.LastIndexByte(location, '@')
	if i < 0 {
		return location
	}
	scheme, _, ok := strings.Cut(location, "://")
	if !ok {
		return "xxxxx" + location[i:]
	}
	return scheme + "://xxxxx" + location[i:]
}

func hostPart(location string) string {
	h, _, _ := strings.Cut(location, "/")
	return h
}

// Defaults is where references without a registry belong.
func (c *Config) Defaults() Defaults {
	return Defaults{Registry: c.DefaultRegistry, Prefix: strings.Trim(c.DefaultPrefix, "/")}
}

// host returns the settings of the registry that serves h.
func (c *Config) host(h string) RegistryConfig {
	for _, r := range c.Registries {
		if host(hostPart(r.Location)) == h || host(hostPart(r.Prefix)) == h {
			return r
		}
	}
	return RegistryConfig{}
}

// match returns the table with the longest prefix of name ("host/repository").
func (c *Config) match(name string) (best RegistryConfig, ok bool) {
	for _, r := range c.Registries {
		if r.matches(name) && (!ok || len(r.Prefix) > len(best.Prefix)) {
			best, ok = r, true
		}
	}
	return best, ok
}

func (r RegistryConfig) matches(name string) bool {
	if domain, wild := strings.CutPrefix(r.Prefix, "*"); wild {
		return strings.HasSuffix(hostPart(name), domain)
	}
	return name == r.Prefix || strings.HasPrefix(name, r.Prefix+"/")
}

// places lists where a repository may be read: its mirrors, then itself.
func (c *Config) places(ref Reference) ([]where, error) {
	table, ok := c.match(ref.Name())
	if !ok {
		return []where{{host: host(ref.Registry), repository: ref.Repository}}, nil
	}
	if table.Blocked {
		return nil, fmt.Errorf("registry %s is blocked by the registries configuration (prefix %q)", ref.Registry,
			table.Prefix)
	}
	var all []where
	for _, m := range table.Mirrors {
		w := relocate(ref, table.Prefix, m.Location)
		w.insecure, w.mirror = m.Insecure, true
		all = append(all, w)
	}
	own := relocate(ref, table.Prefix, table.Location)
	own.insecure = table.Insecure
	return append(all, own), nil
}

// relocate replaces the prefix of ref's name with location.
func relocate(ref Reference, prefix, location string) where {
	name := ref.Name()
	if location != "" && !strings.HasPrefix(prefix, "*") {
		name = location + strings.TrimPrefix(name, prefix)
	}
	h, repository, _ := strings.Cut(name, "/")
	return where{host: host(h), repository: repository}
}

// Here reports whether all that serves the repository of ref is on this
// machine, mirrors too: what its name says does not matter.
func (c *Client) Here(ref Reference) bool {
	places, err := c.cfg.places(ref)
	return err == nil && !slices.ContainsFunc(places, func(w where) bool { return !isLoopback(w.host) })
}
