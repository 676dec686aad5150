package sign

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The annotations with the certificate of a simple signing payload, in PEM.
const (
	CertificateAnnotation = "dev.sigstore.cosign/certificate"
	ChainAnnotation       = "dev.sigstore.cosign/chain"
)

// Limits of certificates.
const (
	maxCertificates    = 10
	maxCertificateSize = 64 << 10
	maxRoots           = 100
)

// The extensions in which Fulcio says who authenticated the subject: as a DER
// string, and in older certificates as plain bytes.
var (
	issuerExtension    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oldIssuerExtension = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
)

// Identity is a holder of a certificate for a name from one of some
// authorities. The certificate must be for code signing, and valid when the
// signature is verified or, with a log, when the log recorded it.
type Identity struct {
	// Name is what the policy calls the identity.
	Name string
	// Subject is an alternative name of the certificate: an e-mail address, a
	// URI or a DNS name. A star at its end matches any ending.
	Subject string
	// Issuer is who authenticated the subject, where the authority says so;
	// empty means that it does not matter.
	Issuer string

	authorities []authority
	// logs say when a signature was made. Without any, that is now.
	logs []logKey
	hash string
}

// authority issues certificates.
type authority struct {
	roots         *x509.CertPool
	intermediates []*x509.Certificate
	span          validity
}

// errOtherIdentity means that a certificate is valid, but for another identity.
var errOtherIdentity = errors.New("it was signed by another identity")

// NewIdentity completes id with the PEM certificates of its authorities.
// Those that another one issued serve as intermediates only.
func NewIdentity(id Identity, authorities []byte) (Identity, error) {
	if err := id.checkSubject(); err != nil {
		return id, err
	}
	all, err := parseCertificates(authorities, maxRoots)
	if err != nil {
		return id, err
	}
	made, err := newAuthority(all)
	if err != nil {
		return id, err
	}
	hash := sha256.New()
	for _, c := range all {
		_, _ = hash.Write(c.Raw)
	}
	id.authorities = []authority{made}
	id.hash = hex.EncodeToString(hash.Sum(nil))
	return id, nil
}

func (id Identity) checkSubject() error {
	if id.Subject == "" || id.Subject == "*" {
		return errors.New("it must have a \"subject\", an e-mail address or a URI")
	}
	return nil
}

// newAuthority parts roots, which signed themselves, from what leads to them.
func newAuthority(all []*x509.Certificate) (authority, error) {
	a := authority{roots: x509.NewCertPool()}
	found := false
	for _, c := range all {
		switch {
		case !c.IsCA:
			return a, fmt.Errorf("the certificate of %q is not an authority's", c.Subject)
		case c.CheckSignatureFrom(c) == nil:
			a.roots.AddCert(c)
			found = true
		default:
			a.intermediates = append(a.intermediates, c)
		}
	}
	if !found {
		return a, errors.New("none of the certificates is a root, which signed itself")
	}
	return a, nil
}

// parseCertificates reads PEM certificates, at least one.
func parseCertificates(data []byte, limit int) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM block %q is not a certificate", block.Type)
		}
		if len(all) == limit {
			return nil, fmt.Errorf("there are more than %d certificates", limit)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no PEM block \"CERTIFICATE\"")
	}
	return all, nil
}

// accepts checks that a certificate, the first of chain, is the identity's, at
// the time t. The name is looked at last: before, nothing proves it.
func (id Identity) accepts(chain []*x509.Certificate, t time.Time) error {
	err := errors.New("none of the authorities was valid at that time")
	for _, a := range id.authorities {
		if !a.span.has(t) {
			continue
		}
		if err = a.issued(chain, t); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("its certificate does not verify: %w", err)
	}
	leaf := chain[0]
	if !slices.ContainsFunc(names(leaf), id.matches) {
		return errOtherIdentity
	}
	if id.Issuer != "" && issuer(leaf) != id.Issuer {
		return errOtherIdentity
	}
	return nil
}

// issued checks that chain leads to a root of the authority.
func (a authority) issued(chain []*x509.Certificate, t time.Time) error {
	options := x509.VerifyOptions{
		Roots: a.roots, Intermediates: x509.NewCertPool(), CurrentTime: t,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	for _, c := range slices.Concat(chain[1:], a.intermediates) {
		options.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(options)
	return err
}

func (id Identity) matches(name string) bool {
	if prefix, ok := strings.CutSuffix(id.Subject, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return name == id.Subject
}

// names are the alternative names of a certificate.
func names(c *x509.Certificate) []string {
	all := slices.Concat(c.EmailAddresses, c.DNSNames)
	for _, u := range c.URIs {
		all = append(all, u.String())
	}
	return all
}

func issuer(c *x509.Certificate) string {
	old := ""
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(issuerExtension):
			var text string
			if rest, err := asn1.UnmarshalWithParams(e.Value, &text, "utf8"); err == nil && len(rest) == 0 {
				return text
			}
		case e.Id.Equal(oldIssuerExtension):
			old = string(e.Value)
		}
	}
	return old
}

// certificates returns the certificate that came with a signature and what may
// lead from it to an authority; none is not an error.
func (s Signature) certificates() ([]*x509.Certificate, error) {
	if s.Form == FormTag {
		if s.Certificates == "" {
			return nil, nil
		}
		return parseCertificates([]byte(s.Certificates), maxCertificates)
	}
	b, err := parseBundle(s.Data)
	if err != nil {
		return nil, err
	}
	raw := b.VerificationMaterial.rawCertificates()
	if len(raw) > maxCertificates {
		return nil, fmt.Errorf("there are more than %d certificates", maxCertificates)
	}
	var all []*x509.Certificate
	for _, der := range raw {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		all = append(all, c)
	}
	return all, nil
}

// identify returns which of the identities signed subject.
func (s Signature) identify(v Verification, verify func(PublicKey) error) (Signer, error) {
	chain, err := s.certificates()
	if err != nil || len(chain) == 0 {
		return Signer{}, errors.Join(err, errMismatch)
	}
	key, err := NewPublicKey("", chain[0].PublicKey)
	if err != nil {
		return Signer{}, err
	}
	if err := verify(key); err != nil {
		return Signer{}, err
	}
	var closest error = errOtherIdentity
	for _, id := range v.Identities {
		t, err := v.Now, error(nil)
		if len(id.logs) > 0 {
			t, err = s.loggedTime(chain[0], key, id.logs)
		}
		if err == nil {
			err = id.accepts(chain, t)
		}
		if err == nil {
			return Signer{Key: key.ID, Name: id.Name, Subject: strings.Join(names(chain[0]), " "), Form: s.Form}, nil
		}
		if !errors.Is(err, errOtherIdentity) {
			closest = err
		}
	}
	return Signer{}, closest
}
