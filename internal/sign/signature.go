package sign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
)

// Form is one of the ways in which a signature is stored with its artifact.
type Form string

// The forms.
const (
	FormTag    Form = "tag"    // simple signing payload, under a tag or as a referrer
	FormBundle Form = "bundle" // sigstore bundle, as a referrer
)

// Signature is a signature as it was found. Nothing in it is to be believed
// before Verify.
type Signature struct {
	Form Form `json:"form"`
	// Data is the payload, or the bundle.
	Data []byte `json:"data"`
	// Base64 is the signature of the payload; a bundle has its own.
	Base64 string `json:"signature,omitempty"`
	// Certificates, in PEM, came with a payload, the signer's first.
	Certificates string `json:"certificates,omitempty"`
	// Log is what a transparency log says of the signature of a payload.
	Log string `json:"log,omitempty"`
}

// Signer is who made a signature.
type Signer struct {
	Key     string `json:"key" yaml:"key"`                             // the key's ID
	Name    string `json:"name,omitempty" yaml:"name,omitempty"`       // the key's or the identity's name
	Subject string `json:"subject,omitempty" yaml:"subject,omitempty"` // the names in the certificate
	Form    Form   `json:"form" yaml:"form"`
}

// String names the key or the identity, and the form.
func (s Signer) String() string {
	if s.Subject != "" {
		return fmt.Sprintf("%s (%s), as a %s", s.Name, s.Subject, s.Form)
	}
	return fmt.Sprintf("%s, as a %s", PublicKey{Name: s.Name, ID: s.Key}, s.Form)
}

// OtherSubjectError means that a signature is about another artifact.
type OtherSubjectError struct{ Want digest.Digest }

// Error implements error.
func (e *OtherSubjectError) Error() string {
	return fmt.Sprintf("the signature is about another digest than %s", e.Want)
}

// ExpiredError means that a key made the signature, and does not count any more.
type ExpiredError struct{ Key PublicKey }

// Error implements error.
func (e *ExpiredError) Error() string {
	return fmt.Sprintf("key %s expired on %s", e.Key, e.Key.Expires.UTC().Format(time.DateOnly))
}

// New signs subject, of the repository name ("ghcr.io/acme/trace_open"), in the
// given form. The annotations go into a payload; a bundle has none.
func New(
	form Form, subject digest.Digest, name string, annotations map[string]string, key *PrivateKey,
) (Signature, error) {
	if form == FormBundle {
		data, err := newBundle(subject, name, key)
		return Signature{Form: form, Data: data}, err
	}
	data, err := newPayload(subject, name, annotations)
	if err != nil {
		return Signature{}, err
	}
	raw, err := key.sign(data)
	if err != nil {
		return Signature{}, err
	}
	return Signature{Form: form, Data: data, Base64: base64.StdEncoding.EncodeToString(raw)}, nil
}

// Verify checks that one of those in v signed subject, and returns who. The
// error describes what comes closest: an expired key, another subject, a
// certificate that does not verify, or that none of them made the signature.
func (s Signature) Verify(subject digest.Digest, v Verification) (Signer, error) {
	signer, err := s.signer(subject, v)
	if err == nil {
		err = s.checkRepository(subject, v.Repository)
	}
	if err != nil {
		return Signer{}, err
	}
	return signer, nil
}

func (s Signature) signer(subject digest.Digest, v Verification) (Signer, error) {
	var closest error = errMismatch
	for _, key := range v.Keys {
		err := s.verify(subject, key)
		switch {
		case err == nil && !key.Expires.IsZero() && !v.Now.Before(key.Expires):
			closest = &ExpiredError{key}
		case err == nil:
			return Signer{Key: key.ID, Name: key.Name, Form: s.Form}, nil
		case !errors.Is(err, errMismatch):
			closest = err
		}
	}
	if len(v.Identities) > 0 {
		signer, err := s.identify(v, func(key PublicKey) error { return s.verify(subject, key) })
		if err == nil {
			return signer, nil
		}
		if !errors.Is(err, errMismatch) {
			closest = err
		}
	}
	if errors.Is(closest, errMismatch) {
		closest = s.noKey(len(v.Keys))
	}
	return Signer{}, closest
}

func (s Signature) verify(subject digest.Digest, key PublicKey) error {
	if s.Form == FormBundle {
		b, err := parseBundle(s.Data)
		if err != nil {
			return err
		}
		return b.verify(subject, key)
	}
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil {
		return fmt.Errorf("reading the signature: %w", err)
	}
	if len(raw) > maxRawSignature {
		return fmt.Errorf("the signature has more than %d bytes", maxRawSignature)
	}
	// The payload is parsed once it is known to be the signer's.
	if err := key.verify(s.Data, raw); err != nil {
		return err
	}
	about, err := parsePayload(s.Data)
	if err != nil {
		return err
	}
	if about != subject {
		return &OtherSubjectError{Want: subject}
	}
	return nil
}

// noKey means that none of the keys made the signature.
func (s Signature) noKey(keys int) error {
	if chain, err := s.certificates(); err == nil && len(chain) > 0 {
		return errors.New("it was signed with a certificate, whose identity no policy trusts")
	}
	if keys == 1 {
		return errMismatch
	}
	return fmt.Errorf("none of the %d keys made this signature", keys)
}

// Verification is what signatures are checked against: one of the keys or of
// the identities must have made them.
type Verification struct {
	Keys       []PublicKey
	Identities []Identity
	// Now is when keys and certificates must not have expired.
	Now time.Time
	// Repository must be named by the signature; empty for any.
	Repository string
}
