package sign

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// PayloadMediaType is the media type of a simple signing payload.
const PayloadMediaType = "application/vnd.dev.cosign.simplesigning.v1+json"

// SignatureAnnotation holds, on the layer with the payload, the signature in
// base64.
const SignatureAnnotation = "dev.cosignproject.cosign/signature"

// payloadType is what cosign writes into "type".
const payloadType = "cosign container image signature"

// MaxPayload is the size of a payload, in bytes.
const MaxPayload = 256 << 10

// payload is what is signed (containers/image's "simple signing" format).
type payload struct {
	Critical critical       `json:"critical"`
	Optional map[string]any `json:"optional"`
}

type critical struct {
	Identity struct {
		Reference string `json:"docker-reference"`
	} `json:"identity"`
	Image struct {
		Digest string `json:"docker-manifest-digest"`
	} `json:"image"`
	Type string `json:"type"`
}

// newPayload returns the payload that states that subject, of the repository
// name, is what the signer means.
func newPayload(subject digest.Digest, name string, annotations map[string]string) ([]byte, error) {
	var p payload
	p.Critical.Identity.Reference = name
	p.Critical.Image.Digest = subject.String()
	p.Critical.Type = payloadType
	for k, v := range annotations {
		if p.Optional == nil {
			p.Optional = map[string]any{}
		}
		p.Optional[k] = v
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// parsePayload reads a payload and returns the digest that it is about.
func parsePayload(data []byte) (digest.Digest, error) {
	if len(data) > MaxPayload {
		return "", fmt.Errorf("the payload has more than %d bytes", MaxPayload)
	}
	var p payload
	if err := json.Unmarshal(data, &p); err != nil {
		return "", fmt.Errorf("reading the payload: %w", err)
	}
	if p.Critical.Type != payloadType {
		return "", fmt.Errorf("the payload is of type %q, not %q", p.Critical.Type, payloadType)
	}
	d := digest.Digest(p.Critical.Image.Digest)
	if err := d.Validate(); err != nil {
		return "", fmt.Errorf("the payload's digest %q: %w", d, err)
	}
	return d, nil
}
