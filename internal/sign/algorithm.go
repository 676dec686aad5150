package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // hashes by crypto.Hash
	_ "crypto/sha512"
	"errors"
	"fmt"
)

// maxRawSignature is the largest signature that is looked at, in bytes: that
// of the largest RSA key.
const maxRawSignature = maxRSABits / 8

// errMismatch means that a key did not make a signature.
var errMismatch = errors.New("the key did not make this signature")

// ecdsaHash is the hash that goes with a curve.
func ecdsaHash(c elliptic.Curve) crypto.Hash {
	switch c {
	case elliptic.P384():
		return crypto.SHA384
	case elliptic.P521():
		return crypto.SHA512
	}
	return crypto.SHA256
}

func sum(h crypto.Hash, message []byte) []byte {
	w := h.New()
	_, _ = w.Write(message)
	return w.Sum(nil)
}

// sign signs a message. The hash is SHA-256 for the larger curves too: it is
// what cosign verifies with unless configured otherwise. The result is a
// function of key and message (RFC 6979 for ECDSA).
func (k *PrivateKey) sign(message []byte) ([]byte, error) {
	if _, ok := k.Public.key.(ed25519.PublicKey); ok {
		return k.signer.Sign(nil, message, crypto.Hash(0))
	}
	return k.signer.Sign(nil, sum(crypto.SHA256, message), crypto.SHA256)
}

// verify checks a signature of a message. Keys on the larger curves count with
// their own hash and with SHA-256, Ed25519 plain and prehashed, RSA with either
// padding, since cosign's versions differ in that.
func (k PublicKey) verify(message, signature []byte) error {
	if key, ok := k.key.(ed25519.PublicKey); ok {
		if ed25519.Verify(key, message, signature) {
			return nil
		}
		prehashed := &ed25519.Options{Hash: crypto.SHA512}
		if ed25519.VerifyWithOptions(key, sum(crypto.SHA512, message), signature, prehashed) == nil {
			return nil
		}
		return errMismatch
	}
	if err := k.verifySum(crypto.SHA256, sum(crypto.SHA256, message), signature); err == nil {
		return nil
	}
	if key, ok := k.key.(*ecdsa.PublicKey); ok {
		h := ecdsaHash(key.Curve)
		return k.verifySum(h, sum(h, message), signature)
	}
	return errMismatch
}

// verifySum checks a signature of a message of which only the hash is known.
func (k PublicKey) verifySum(h crypto.Hash, hash, signature []byte) error {
	if len(signature) > maxRawSignature {
		return fmt.Errorf("the signature has more than %d bytes", maxRawSignature)
	}
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, hash, signature) {
			return nil
		}
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(key, h, hash, signature) == nil ||
			rsa.VerifyPSS(key, h, hash, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil {
			return nil
		}
	case ed25519.PublicKey:
		return errors.New("an Ed25519 key cannot verify a signature of a digest alone")
	}
	return errMismatch
}
