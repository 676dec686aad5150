package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"
)

// Action is what happens to an artifact that no signature covers.
type Action string

// The actions.
const (
	Refuse Action = "refuse"
	Warn   Action = "warn"
	Allow  Action = "allow"
)

// Rule describes what a repository's artifacts need.
type Rule struct {
	// Match are patterns of repositories, see Policy.
	Match []string
	// Keys and Identities are those one of which must have signed.
	Keys       []PublicKey
	Identities []Identity
	// Unsigned is what happens to artifacts without any signature. One with
	// signatures of which none verifies is always refused.
	Unsigned Action
	// SameRepository demands that the signature names the artifact's repository. A
	// path has none.
	SameRepository bool
}

// Trusts reports whether the policy names a signer.
func (r Rule) Trusts() bool { return len(r.Keys)+len(r.Identities) > 0 }

// Verification is what signatures are checked against under the rule.
func (r Rule) Verification(now time.Time) Verification {
	return Verification{Keys: r.Keys, Identities: r.Identities, Now: now}
}

// Policy says which artifacts may run. Rules are tried in order, the first
// that matches a repository decides. Where none does, what comes from registries
// of this machine is allowed and all else goes by Default.
type Policy struct {
	// Source is where the policy comes from, for people.
	Source  string
	Rules   []Rule
	Default Rule
	// Local is for paths, and for what was loaded or built on this machine. Where
	// it refuses, Default says who must have signed them.
	Local Action
	// NoLoopback lets Default decide about loopback registries too.
	NoLoopback bool
}

// DefaultPolicy applies without a policy file: what comes from another
// machine is refused, since no key is known.
func DefaultPolicy() *Policy {
	return &Policy{Source: "the built-in policy", Default: Rule{Unsigned: Refuse}, Local: Allow}
}

// KeysPolicy demands a signature by one of keys for every artifact.
func KeysPolicy(source string, keys []PublicKey) *Policy {
	return &Policy{
		Source: source, Default: Rule{Keys: keys, Unsigned: Refuse}, Local: Refuse, NoLoopback: true,
	}
}

// RuleFor returns what decides about a repository ("ghcr.io/acme/trace_open").
// here means that the content does come from this machine: a name can be mapped to
// any place.
func (p *Policy) RuleFor(name string, here bool) Rule {
	for _, r := range p.Rules {
		for _, pattern := range r.Match {
			if match(pattern, name) {
				return r
			}
		}
	}
	if here && !p.NoLoopback && isLoopback(registryOf(name)) {
		return Rule{Unsigned: Allow}
	}
	return p.Default
}

// Hash is a digest of all that the policy decides by, the keys and authorities included. What
// was found under one hash says nothing under another.
func (p *Policy) Hash() string {
	type rule struct {
		Match, Keys, Identities []string
		Unsigned                Action
		SameRepository          bool
	}
	flat := func(r Rule) rule {
		out := rule{Match: r.Match, Unsigned: r.Unsigned, SameRepository: r.SameRepository}
		for _, k := range r.Keys {
			out.Keys = append(out.Keys, k.ID+" "+k.Expires.UTC().Format(time.RFC3339))
		}
		for _, id := range r.Identities {
			out.Identities = append(out.Identities, fmt.Sprintf("%q %q %s", id.Subject, id.Issuer, id.hash))
		}
		return out
	}
	rules := []rule{flat(p.Default)}
	for _, r := range p.Rules {
		rules = append(rules, flat(r))
	}
	data, err := json.Marshal([]any{rules, p.Local, p.NoLoopback})
	if err != nil {
		panic(fmt.Sprintf("policy as JSON: %v", err)) // strings only
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// isLoopback reports whether a registry, host[:port], is this machine.
func isLoopback(registry string) bool {
	host := registry
	if h, _, err := net.SplitHostPort(registry); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
