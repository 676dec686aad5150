package sign

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Limits of a trusted root.
const (
	maxAuthorities   = 32
	maxLogs          = 32
	trustedRootStart = "application/vnd.dev.sigstore.trustedroot"
)

// trustedRoot is the part of sigstore's trusted_root.json that is used: the
// authorities for certificates and the transparency logs.
type trustedRoot struct {
	MediaType string `json:"mediaType"`
	Logs      []struct {
		PublicKey struct {
			Raw      []byte   `json:"rawBytes"`
			ValidFor jsonSpan `json:"validFor"`
		} `json:"publicKey"`
	} `json:"tlogs"`
	Authorities []struct {
		Chain    certificateChain `json:"certChain"`
		ValidFor jsonSpan         `json:"validFor"`
	} `json:"certificateAuthorities"`
}

type jsonSpan struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// NewTrustedIdentity completes id with the authorities and logs of a
// trusted_root.json. The certificates of such authorities live for minutes, so
// that a log has to say when the signature was made.
func NewTrustedIdentity(id Identity, data []byte) (Identity, error) {
	if err := id.checkSubject(); err != nil {
		return id, err
	}
	var t trustedRoot
	if err := json.Unmarshal(data, &t); err != nil {
		return id, fmt.Errorf("reading the trusted root: %w", err)
	}
	switch {
	case !strings.HasPrefix(t.MediaType, trustedRootStart):
		return id, fmt.Errorf("it is of media type %q, which is not a trusted root", t.MediaType)
	case len(t.Authorities) == 0 || len(t.Logs) == 0:
		return id, errors.New("it must have certificateAuthorities and tlogs")
	case len(t.Authorities) > maxAuthorities || len(t.Logs) > maxLogs:
		return id, fmt.Errorf("it has more than %d authorities or %d logs", maxAuthorities, maxLogs)
	}
	var err error
	if id.authorities, err = t.authorities(); err != nil {
		return id, err
	}
	if id.logs, err = t.logs(); err != nil {
		return id, err
	}
	sum := sha256.Sum256(data)
	id.hash = hex.EncodeToString(sum[:])
	return id, nil
}

func (t trustedRoot) authorities() ([]authority, error) {
	var all []authority
	for _, a := range t.Authorities {
		var chain []*x509.Certificate
		for _, c := range a.Chain.Certificates[:min(len(a.Chain.Certificates), maxRoots)] {
			parsed, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				return nil, fmt.Errorf("reading a certificate: %w", err)
			}
			chain = append(chain, parsed)
		}
		made, err := newAuthority(chain)
		if err != nil {
			return nil, err
		}
		made.span = a.ValidFor.span()
		all = append(all, made)
	}
	return all, nil
}

func (t trustedRoot) logs() ([]logKey, error) {
	var all []logKey
	for _, l := range t.Logs {
		key, err := x509.ParsePKIXPublicKey(l.PublicKey.Raw)
		if err != nil {
			return nil, fmt.Errorf("reading the key of a log: %w", err)
		}
		public, err := NewPublicKey("", key)
		if err != nil {
			return nil, err
		}
		all = append(all, logKey{public, l.PublicKey.ValidFor.span()})
	}
	return all, nil
}

func (s jsonSpan) span() validity { return validity{s.Start, s.End} }

// WithLog returns id as one whose signatures count when one of the logs with
// these keys says that they were made while the certificate was valid.
func (id Identity) WithLog(keys []PublicKey) Identity {
	for _, k := range keys {
		id.logs = append(id.logs, logKey{key: k})
		id.hash += " " + k.ID
	}
	return id
}
