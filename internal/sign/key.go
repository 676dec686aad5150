package sign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// Limits of key files.
const (
	// MaxKeyFile is the size of a file of keys, in bytes.
	MaxKeyFile = 256 << 10
	maxKeys    = 64
	minRSABits = 2048
	maxRSABits = 8192
)

// PublicKey is a key that signatures are verified with.
type PublicKey struct {
	// Name is what people call the key: its name in the policy, or its file.
	Name string
	// ID is "sha256:" and the digest of the key's DER form.
	ID string
	// Expires is when the key stops to count; zero means never.
	Expires time.Time

	key crypto.PublicKey
}

// hint is how sigstore bundles name the key.
func (k PublicKey) hint() string {
	sum, _ := hex.DecodeString(k.ID[len("sha256:"):])
	return base64.StdEncoding.EncodeToString(sum)
}

// String is the name with the beginning of the ID.
func (k PublicKey) String() string {
	const shown = len("sha256:") + 12
	if k.Name == "" {
		return k.ID[:shown]
	}
	return fmt.Sprintf("%s (%s)", k.Name, k.ID[:shown])
}

// NewPublicKey checks that key is of a kind and strength that is accepted:
// ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, Ed25519.
func NewPublicKey(name string, key crypto.PublicKey) (PublicKey, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, k.Curve) {
			return PublicKey{}, errors.New("the key's curve is none of P-256, P-384 and P-521")
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return PublicKey{}, fmt.Errorf("the RSA key has %d bits, use %d to %d", bits, minRSABits, maxRSABits)
		}
	case ed25519.PublicKey:
	default:
		return PublicKey{}, fmt.Errorf("keys of type %T are not supported, use ECDSA, RSA or Ed25519", key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, err
	}
	sum := sha256.Sum256(der)
	return PublicKey{Name: name, ID: "sha256:" + hex.EncodeToString(sum[:]), key: key}, nil
}

// ParsePublicKeys reads the PEM blocks of a file of public keys, at least one.
// Each gets the name.
func ParsePublicKeys(data []byte, name string) ([]PublicKey, error) {
	if len(data) > MaxKeyFile {
		return nil, fmt.Errorf("the file of keys has more than %d bytes", MaxKeyFile)
	}
	var keys []PublicKey
	for rest := bytes.TrimSpace(data); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if len(keys) == maxKeys {
			return nil, fmt.Errorf("the file has more than %d keys", maxKeys)
		}
		key, err := publicKeyOf(block, name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no PEM block \"PUBLIC KEY\"")
	}
	return keys, nil
}

func publicKeyOf(block *pem.Block, name string) (PublicKey, error) {
	switch block.Type {
	case string(cryptoutils.PublicKeyPEMType), string(cryptoutils.PKCS1PublicKeyPEMType):
	case "CERTIFICATE":
		return PublicKey{}, errors.New("it is a certificate, take its key with \"openssl x509 -pubkey -noout\"")
	default:
		return PublicKey{}, fmt.Errorf("PEM block %q is not a public key", block.Type)
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(pem.EncodeToMemory(block))
	if err != nil {
		return PublicKey{}, fmt.Errorf("reading a public key: %w", err)
	}
	return NewPublicKey(name, key)
}

// PrivateKey is a key to sign with.
type PrivateKey struct {
	Public PublicKey
	signer crypto.Signer
}

// errPassword is distinguished from other errors of a key file.
var errPassword = errors.New("the password is wrong")

// ParsePrivateKey reads a private key in PEM: PKCS #8, PKCS #1 or SEC 1, or
// encrypted as cosign does it. The password is read only where one is
// needed.
func ParsePrivateKey(data []byte, password func() ([]byte, error)) (*PrivateKey, error) {
	if len(data) > MaxKeyFile {
		return nil, fmt.Errorf("the key file has more than %d bytes", MaxKeyFile)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it has no PEM block")
	}
	var asked error
	key, err := cryptoutils.UnmarshalPEMToPrivateKey(pem.EncodeToMemory(block), func(bool) ([]byte, error) {
		var secret []byte
		secret, asked = password()
		return secret, asked
	})
	switch {
	case asked != nil:
		return nil, asked
	case err != nil && bytes.HasSuffix([]byte(err.Error()), []byte("decryption failed")):
		return nil, errPassword
	case err != nil:
		return nil, fmt.Errorf("reading a private key: %w", err)
	}
	return NewPrivateKey(key)
}

// NewPrivateKey takes a key of the standard library.
func NewPrivateKey(key crypto.PrivateKey) (*PrivateKey, error) {
	if p, ok := key.(*ed25519.PrivateKey); ok {
		key = *p
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys of type %T cannot sign", key)
	}
	public, err := NewPublicKey("", signer.Public())
	if err != nil {
		return nil, err
	}
	return &PrivateKey{Public: public, signer: signer}, nil
}
