package sign

import (
	"errors"
	"fmt"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/strictyaml"
)

// Limits of a policy file.
const (
	// MaxPolicy is its size, in bytes.
	MaxPolicy     = 1 << 20
	maxRules      = 1024
	maxMatches    = 1024
	policyVersion = 1
)

// policyFile is a policy as YAML.
type policyFile struct {
	Version    int                     `yaml:"version"`
	Keys       map[string]keyFile      `yaml:"keys"`
	Identities map[string]identityFile `yaml:"identities"`
	Rules      []ruleFile              `yaml:"rules"`
	Default    *ruleFile               `yaml:"default"`
	Local      Action                  `yaml:"local"`
}

type keyFile struct {
	File    string `yaml:"file"`
	PEM     string `yaml:"pem"`
	Expires string `yaml:"expires"`
}

type identityFile struct {
	Subject string  `yaml:"subject"`
	Issuer  string  `yaml:"issuer"`
	Roots   pemFile `yaml:"roots"`
	// Log has the keys of transparency logs.
	Log pemFile `yaml:"log"`
	// TrustedRoot is the file of a trusted_root.json, in place of both.
	TrustedRoot string `yaml:"trustedRoot"`
}

// pemFile is a text in PEM, or the file of one.
type pemFile struct {
	File string `yaml:"file"`
	PEM  string `yaml:"pem"`
}

type ruleFile struct {
	Match      words    `yaml:"match"`
	Keys       []string `yaml:"keys"`
	Identities []string `yaml:"identities"`
	Unsigned   Action   `yaml:"unsigned"`
	Repository string   `yaml:"repository"`
}

// words is a string or a list of strings.
type words []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

// ParsePolicy reads a policy file; read returns the files of keys that it
// names. Everything unknown in it is an error: a misspelled word must not open
// the door.
func ParsePolicy(data []byte, source string, read func(string) ([]byte, error)) (*Policy, error) {
	var f policyFile
	if err := strictyaml.Decode(data, strictyaml.Limits{Bytes: MaxPolicy, Elements: maxMatches, Keys: maxMatches},
		&f); err != nil {
		return nil, err
	}
	if f.Version != policyVersion {
		return nil, fmt.Errorf("version is %d, only version %d is known", f.Version, policyVersion)
	}
	return f.compile(source, read)
}

func (f policyFile) compile(source string, read func(string) ([]byte, error)) (*Policy, error) {
	if len(f.Rules) > maxRules {
		return nil, fmt.Errorf("it has more than %d rules", maxRules)
	}
	trusted, err := f.trusted(read)
	if err != nil {
		return nil, err
	}
	p := DefaultPolicy()
	p.Source = source
	if p.Local, err = orAction(f.Local, Allow); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	for i, r := range f.Rules {
		rule, err := r.compile(trusted)
		if err == nil && len(r.Match) == 0 {
			err = errors.New("it has no \"match\"")
		}
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		p.Rules = append(p.Rules, rule)
	}
	if f.Default == nil {
		return p, nil
	}
	if len(f.Default.Match) > 0 {
		return nil, errors.New("default: it matches what no rule does, leave \"match\" out")
	}
	if p.Default, err = f.Default.compile(trusted); err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	return p, nil
}

// trusted is who a policy names, by name.
type trusted struct {
	keys       map[string][]PublicKey
	identities map[string]Identity
}

func (f policyFile) trusted(read func(string) ([]byte, error)) (trusted, error) {
	all := trusted{map[string][]PublicKey{}, map[string]Identity{}}
	for name, k := range f.Keys {
		parsed, err := k.parse(name, read)
		if err != nil {
			return all, fmt.Errorf("key %q: %w", name, err)
		}
		all.keys[name] = parsed
	}
	for name, id := range f.Identities {
		parsed, err := id.parse(Identity{Name: name, Subject: id.Subject, Issuer: id.Issuer}, read)
		if err != nil {
			return all, fmt.Errorf("identity %q: %w", name, err)
		}
		all.identities[name] = parsed
	}
	return all, nil
}

func (f identityFile) parse(id Identity, read func(string) ([]byte, error)) (Identity, error) {
	none := pemFile{}
	if f.TrustedRoot != "" {
		if f.Roots != none || f.Log != none {
			return id, errors.New("trustedRoot has roots and logs, leave \"roots\" and \"log\" out")
		}
		data, err := read(f.TrustedRoot)
		if err != nil {
			return id, err
		}
		return NewTrustedIdentity(id, data)
	}
	data, err := fileOrPEM(f.Roots.File, f.Roots.PEM, read)
	if err != nil {
		return id, fmt.Errorf("roots: %w", err)
	}
	if id, err = NewIdentity(id, data); err != nil || f.Log == none {
		return id, err
	}
	if data, err = fileOrPEM(f.Log.File, f.Log.PEM, read); err != nil {
		return id, fmt.Errorf("log: %w", err)
	}
	keys, err := ParsePublicKeys(data, "")
	if err != nil {
		return id, fmt.Errorf("log: %w", err)
	}
	return id.WithLog(keys), nil
}

func fileOrPEM(file, text string, read func(string) ([]byte, error)) ([]byte, error) {
	switch {
	case (file == "") == (text == ""):
		return nil, errors.New("it must have either \"file\" or \"pem\"")
	case file != "":
		return read(file)
	}
	return []byte(text), nil
}

func (r ruleFile) compile(all trusted) (Rule, error) {
	out := Rule{Match: r.Match}
	for _, pattern := range r.Match {
		if err := checkPattern(pattern); err != nil {
			return out, fmt.Errorf("match: %w", err)
		}
	}
	for _, name := range r.Keys {
		k, ok := all.keys[name]
		if !ok {
			return out, fmt.Errorf("\"keys\" has no key %q", name)
		}
		out.Keys = append(out.Keys, k...)
	}
	for _, name := range r.Identities {
		id, ok := all.identities[name]
		if !ok {
			return out, fmt.Errorf("\"identities\" has no identity %q", name)
		}
		out.Identities = append(out.Identities, id)
	}
	switch r.Repository {
	case "", anyRepository:
	case matchRepository:
		out.SameRepository = true
	default:
		return out, fmt.Errorf("repository: %q is unknown, use match or any", r.Repository)
	}
	var err error
	out.Unsigned, err = orAction(r.Unsigned, Refuse)
	return out, err
}

func (k keyFile) parse(name string, read func(string) ([]byte, error)) ([]PublicKey, error) {
	data, err := fileOrPEM(k.File, k.PEM, read)
	if err != nil {
		return nil, err
	}
	keys, err := ParsePublicKeys(data, name)
	if err != nil {
		return nil, err
	}
	if k.Expires == "" {
		return keys, nil
	}
	expires, err := parseTime(k.Expires)
	for i := range keys {
		keys[i].Expires = expires
	}
	return keys, err
}

// parseTime reads a day, at whose beginning (UTC) the key ends, or a moment.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && !t.IsZero() {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("expires: %q is not a time, write 2027-01-31 or 2027-01-31T12:00:00Z", s)
}

func orAction(a, otherwise Action) (Action, error) {
	switch a {
	case "":
		return otherwise, nil
	case Refuse, Warn, Allow:
		return a, nil
	}
	return "", fmt.Errorf("%q is unknown, use refuse, warn or allow", string(a))
}
