package sign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// SignBlob signs the bytes of a file. The signature is what "cosign sign-blob"
// writes: the raw signature of the SHA-256 in base64, one line. It is a function
// of key and bytes.
func SignBlob(data []byte, key *PrivateKey) ([]byte, error) {
	raw, err := key.sign(data)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return append(base64.StdEncoding.AppendEncode(nil, raw), '\n'), nil
}

// VerifyBlob checks that one of the keys made the signature of data.
func VerifyBlob(data, signature []byte, keys []PublicKey) error {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(signature)))
	if err != nil {
		return fmt.Errorf("reading the signature: %w", err)
	}
	for _, key := range keys {
		if key.verify(data, raw) == nil {
			return nil
		}
	}
	return errors.New("none of the keys made the signature")
}

// PEM is the key as a file of public keys has it.
func (k PublicKey) PEM() ([]byte, error) { return cryptoutils.MarshalPublicKeyToPEM(k.key) }
