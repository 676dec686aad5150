package sign_test

import (
	"bytes"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// blobKey makes a key pair.
func blobKey(t *testing.T) (*sign.PrivateKey, []sign.PublicKey) {
	t.Helper()
	secret, shown, err := sign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	private, err := sign.ParsePrivateKey(secret, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.ParsePublicKeys(shown, "release")
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func TestBlob(t *testing.T) {
	private, public := blobKey(t)
	_, other := blobKey(t)
	data := []byte("sum  file\n")
	signature, err := sign.SignBlob(data, private)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := sign.SignBlob(data, private); err != nil || !bytes.Equal(again, signature) {
		t.Errorf("the second signature of the same bytes is %q, %v; want %q", again, err, signature)
	}
	tests := []struct {
		name            string
		data, signature []byte
		keys            []sign.PublicKey
		valid           bool
	}{
		{"the key", data, signature, public, true},
		{"one of two keys", data, signature, append(other, public...), true},
		{"another key", data, signature, other, false},
		{"other bytes", []byte("sum  other\n"), signature, public, false},
		{"not base64", data, []byte("!"), public, false},
		{"nothing", data, nil, public, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := sign.VerifyBlob(test.data, test.signature, test.keys); (err == nil) != test.valid {
				t.Errorf("got %v, want valid: %t", err, test.valid)
			}
		})
	}
}
