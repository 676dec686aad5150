package sign

import (
	"crypto/elliptic"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// GenerateKey makes a key pair for ECDSA on P-256, in PEM. The private key is
// encrypted with the password in the form of "cosign generate-key-pair", also
// when that is empty.
func GenerateKey(password []byte) (private, public []byte, err error) {
	return cryptoutils.GeneratePEMEncodedECDSAKeyPair(elliptic.P256(), func(bool) ([]byte, error) { return password, nil })
}
