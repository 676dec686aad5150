package sign

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
)

// BundleMediaType is the media type of a sigstore bundle, and the artifact
// type of a referrer that carries one.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// bundlePrefix begins the media types of all versions of the format.
const bundlePrefix = "application/vnd.dev.sigstore.bundle"

// The annotations that cosign 3 writes on the referrer and looks for.
const (
	bundleContentAnnotation   = "dev.sigstore.bundle.content"
	bundlePredicateAnnotation = "dev.sigstore.bundle.predicateType"
	bundleContentDSSE         = "dsse-envelope"
)

const (
	statementPayloadType = "application/vnd.in-toto+json"
	statementType        = "https://in-toto.io/Statement/v1"
	oldStatementType     = "https://in-toto.io/Statement/v0.1"
	// SignPredicate is the predicate type of a statement that is a signature
	// and says no more. Statements with others, provenance for example, do not
	// count as signatures.
	SignPredicate = "https://sigstore.dev/cosign/sign/v1"
)

// Limits of bundles.
const (
	// MaxBundle is the size of a bundle, in bytes.
	MaxBundle              = 1 << 20
	maxSubjects            = 64
	maxEnvelopeSignatures  = 16
	messageDigestAlgorithm = "SHA2_256"
)

// bundle is the part of a sigstore bundle that verification with keys needs.
type bundle struct {
	MediaType            string            `json:"mediaType"`
	VerificationMaterial material          `json:"verificationMaterial"`
	Envelope             *envelope         `json:"dsseEnvelope,omitempty"`
	Message              *messageSignature `json:"messageSignature,omitempty"`
}

type material struct {
	PublicKey   *publicKeyHint    `json:"publicKey,omitempty"`
	Certificate *certificate      `json:"certificate,omitempty"`
	Chain       *certificateChain `json:"x509CertificateChain,omitempty"`
	LogEntries  []bundleEntry     `json:"tlogEntries,omitempty"`
}

type certificate struct {
	Raw []byte `json:"rawBytes"`
}

type certificateChain struct {
	Certificates []certificate `json:"certificates"`
}

// rawCertificates are the certificates, the signer's first.
func (m material) rawCertificates() [][]byte {
	var all [][]byte
	if m.Certificate != nil {
		all = append(all, m.Certificate.Raw)
	}
	if m.Chain != nil {
		for _, c := range m.Chain.Certificates {
			all = append(all, c.Raw)
		}
	}
	return all
}

type publicKeyHint struct {
	Hint string `json:"hint"`
}

type envelope struct {
	Payload     []byte              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	Signature []byte `json:"sig"`
	KeyID     string `json:"keyid,omitempty"`
}

type messageSignature struct {
	Digest struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	} `json:"messageDigest"`
	Signature []byte `json:"signature"`
}

// statement is an in-toto statement.
type statement struct {
	Type          string         `json:"_type"`
	Subject       []subject      `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     map[string]any `json:"predicate,omitempty"`
}

type subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// preAuth is the byte string that DSSE signs (DSSE 1.0, "PAE").
func preAuth(payloadType string, payload []byte) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	return append([]byte(head), payload...)
}

// newBundle signs the statement about about, of the repository name, and returns
// the bundle.
func newBundle(about digest.Digest, name string, key *PrivateKey) ([]byte, error) {
	payload, err := compact(statement{
		Type:          statementType,
		Subject:       []subject{{Name: name, Digest: map[string]string{about.Algorithm().String(): about.Encoded()}}},
		PredicateType: SignPredicate,
	})
	if err != nil {
		return nil, err
	}
	signature, err := key.sign(preAuth(statementPayloadType, payload))
	if err != nil {
		return nil, err
	}
	return compact(bundle{
		MediaType:            BundleMediaType,
		VerificationMaterial: material{PublicKey: &publicKeyHint{key.Public.hint()}},
		Envelope: &envelope{
			Payload: payload, PayloadType: statementPayloadType,
			Signatures: []envelopeSignature{{Signature: signature}},
		},
	})
}

func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func parseBundle(data []byte) (*bundle, error) {
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("the bundle has more than %d bytes", MaxBundle)
	}
	var b bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	switch {
	case !strings.HasPrefix(b.MediaType, bundlePrefix):
		return nil, fmt.Errorf("the bundle is of media type %q", b.MediaType)
	case (b.Envelope == nil) == (b.Message == nil):
		return nil, errors.New("the bundle must have either an envelope or a signature of a message")
	case b.Envelope != nil && len(b.Envelope.Signatures) > maxEnvelopeSignatures:
		return nil, fmt.Errorf("the envelope has more than %d signatures", maxEnvelopeSignatures)
	}
	return &b, nil
}

// verify checks that key signed about in the bundle.
func (b *bundle) verify(about digest.Digest, key PublicKey) error {
	if b.Message != nil {
		return b.Message.verify(about, key)
	}
	// What was not signed by the key is not even parsed.
	signed := preAuth(b.Envelope.PayloadType, b.Envelope.Payload)
	matched := errMismatch
	for _, s := range b.Envelope.Signatures {
		if matched = key.verify(signed, s.Signature); matched == nil {
			break
		}
	}
	if matched != nil {
		return matched
	}
	if b.Envelope.PayloadType != statementPayloadType {
		return fmt.Errorf("the envelope contains %q, not a statement", b.Envelope.PayloadType)
	}
	return checkStatement(b.Envelope.Payload, about)
}

// checkStatement checks that the statement is a signature of about.
func checkStatement(data []byte, about digest.Digest) error {
	var s statement
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("reading the statement: %w", err)
	}
	switch {
	case s.Type != statementType && s.Type != oldStatementType:
		return fmt.Errorf("the statement is of type %q", s.Type)
	case s.PredicateType != SignPredicate:
		return fmt.Errorf("the statement has the predicate type %q, which is not a signature", s.PredicateType)
	case len(s.Subject) > maxSubjects:
		return fmt.Errorf("the statement has more than %d subjects", maxSubjects)
	}
	for _, sub := range s.Subject {
		if sub.Digest[about.Algorithm().String()] == about.Encoded() {
			return nil
		}
	}
	return &OtherSubjectError{Want: about}
}

func (m *messageSignature) verify(about digest.Digest, key PublicKey) error {
	if m.Digest.Algorithm != messageDigestAlgorithm || about.Algorithm() != digest.SHA256 {
		return fmt.Errorf("the bundle signs a digest by %q, only %s is read", m.Digest.Algorithm, messageDigestAlgorithm)
	}
	if hex.EncodeToString(m.Digest.Digest) != about.Encoded() {
		return &OtherSubjectError{Want: about}
	}
	return key.verifySum(crypto.SHA256, m.Digest.Digest, m.Signature)
}
