package sign

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// LogAnnotation holds, on the layer with a simple signing payload, what a
// transparency log says of the signature.
const LogAnnotation = "dev.sigstore.cosign/bundle"

// maxLogEntries bounds the entries that come with one signature.
const maxLogEntries = 8

// errNoTime means that nothing trustworthy says when a signature was made.
var errNoTime = errors.New("no log of the policy attests when it was made")

// logKey is the key of a transparency log (Rekor) and when it counts.
type logKey struct {
	key  PublicKey
	span validity
}

// validity is a span of time; a zero bound is none.
type validity struct{ from, to time.Time }

func (v validity) has(t time.Time) bool {
	return !t.Before(v.from) && (v.to.IsZero() || !t.After(v.to))
}

// logEntry is the promise of a log that it has an entry since a time.
type logEntry struct {
	body    []byte // the entry, in the form that was signed
	seconds int64
	index   int64
	log     string // sha256 of the log's key, in hex
	promise []byte // the log's signature of all that
}

// protoInt is an integer of 64 bits as protocol buffers have it in JSON.
type protoInt int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *protoInt) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseInt(string(bytes.Trim(data, `"`)), 10, 64)
	*n = protoInt(v)
	return err
}

// bundleEntry is an entry in a sigstore bundle.
type bundleEntry struct {
	LogIndex protoInt `json:"logIndex"`
	LogID    struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
	IntegratedTime   protoInt `json:"integratedTime"`
	InclusionPromise struct {
		SignedEntryTimestamp []byte `json:"signedEntryTimestamp"`
	} `json:"inclusionPromise"`
	CanonicalizedBody []byte `json:"canonicalizedBody"`
}

// annotatedEntry is the value of LogAnnotation.
type annotatedEntry struct {
	SignedEntryTimestamp []byte
	Payload              struct {
		Body           []byte `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"`
	}
}

// logEntries returns what logs say of the signature; nothing is not an error.
func (s Signature) logEntries() ([]logEntry, error) {
	if s.Form == FormTag {
		if s.Log == "" {
			return nil, nil
		}
		var a annotatedEntry
		if err := json.Unmarshal([]byte(s.Log), &a); err != nil {
			return nil, fmt.Errorf("reading its log entry: %w", err)
		}
		p := a.Payload
		return []logEntry{{p.Body, p.IntegratedTime, p.LogIndex, p.LogID, a.SignedEntryTimestamp}}, nil
	}
	b, err := parseBundle(s.Data)
	if err != nil {
		return nil, err
	}
	var all []logEntry
	for _, e := range b.VerificationMaterial.LogEntries {
		all = append(all, logEntry{
			e.CanonicalizedBody, int64(e.IntegratedTime), int64(e.LogIndex),
			hex.EncodeToString(e.LogID.KeyID), e.InclusionPromise.SignedEntryTimestamp,
		})
	}
	if len(all) > maxLogEntries {
		return nil, fmt.Errorf("there are more than %d entries of logs", maxLogEntries)
	}
	return all, nil
}

// loggedTime returns when one of logs had the signature by the certificate leaf.
func (s Signature) loggedTime(leaf *x509.Certificate, key PublicKey, logs []logKey) (time.Time, error) {
	entries, err := s.logEntries()
	if err != nil {
		return time.Time{}, err
	}
	closest := errNoTime
	for _, e := range entries {
		t, err := e.verify(logs)
		if err == nil {
			err = s.isIn(e.body, leaf, key)
		}
		if err == nil {
			return t, nil
		}
		closest = err
	}
	return time.Time{}, closest
}

// verify checks that one of logs made the promise, and returns its time. What
// is signed is JSON with sorted keys and without spaces.
func (e logEntry) verify(logs []logKey) (time.Time, error) {
	signed := fmt.Sprintf(`{"body":"%s","integratedTime":%d,"logID":"%s","logIndex":%d}`,
		base64.StdEncoding.EncodeToString(e.body), e.seconds, e.log, e.index)
	for _, l := range logs {
		if l.key.ID != "sha256:"+e.log {
			continue
		}
		if err := l.key.verify([]byte(signed), e.promise); err != nil {
			return time.Time{}, errors.New("its log entry was not signed by that log")
		}
		t := time.Unix(e.seconds, 0)
		if e.seconds <= 0 || !l.span.has(t) {
			return time.Time{}, errNoTime
		}
		return t, nil
	}
	return time.Time{}, errNoTime
}

// loggedBody is an entry of one of the kinds "hashedrekord" and "dsse".
type loggedBody struct {
	Kind string `json:"kind"`
	Spec struct {
		Data struct {
			Hash loggedHash `json:"hash"`
		} `json:"data"`
		Signature struct {
			Content   []byte `json:"content"`
			PublicKey struct {
				Content []byte `json:"content"`
			} `json:"publicKey"`
		} `json:"signature"`
		PayloadHash loggedHash `json:"payloadHash"`
		Signatures  []struct {
			Signature []byte `json:"signature"`
			Verifier  []byte `json:"verifier"`
		} `json:"signatures"`
	} `json:"spec"`
}

type loggedHash struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

func (h loggedHash) is(sum []byte) bool {
	return h.Algorithm == "sha256" && h.Value == hex.EncodeToString(sum)
}

// isIn checks that an entry of a log is about this signature, by this
// certificate, of this content.
func (s Signature) isIn(body []byte, leaf *x509.Certificate, key PublicKey) error {
	var b loggedBody
	if err := json.Unmarshal(body, &b); err != nil {
		return fmt.Errorf("reading the entry of a log: %w", err)
	}
	sum, message, made, err := s.signed()
	if err != nil {
		return err
	}
	matches := func(signature, certificate []byte) bool {
		block, _ := pem.Decode(certificate)
		return block != nil && bytes.Equal(block.Bytes, leaf.Raw) &&
			slices.ContainsFunc(made, func(m []byte) bool { return bytes.Equal(m, signature) }) &&
			(message == nil || key.verify(message, signature) == nil)
	}
	found := false
	switch b.Kind {
	case "hashedrekord":
		found = b.Spec.Data.Hash.is(sum) && matches(b.Spec.Signature.Content, b.Spec.Signature.PublicKey.Content)
	case "dsse":
		for _, x := range b.Spec.Signatures[:min(len(b.Spec.Signatures), maxEnvelopeSignatures)] {
			found = found || b.Spec.PayloadHash.is(sum) && matches(x.Signature, x.Verifier)
		}
	default:
		return fmt.Errorf("the entry of a log is of kind %q, which is not read", b.Kind)
	}
	if !found {
		return errors.New("the entry of a log is about another signature")
	}
	return nil
}

// signed returns the hash of what was signed, the signatures, and, where it is
// known, the message that they are of.
func (s Signature) signed() (sum, message []byte, made [][]byte, err error) {
	if s.Form == FormTag {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		h := sha256.Sum256(s.Data)
		return h[:], s.Data, [][]byte{raw}, err
	}
	b, err := parseBundle(s.Data)
	if err != nil {
		return nil, nil, nil, err
	}
	if b.Message != nil {
		return b.Message.Digest.Digest, nil, [][]byte{b.Message.Signature}, nil
	}
	for _, x := range b.Envelope.Signatures {
		made = append(made, x.Signature)
	}
	h := sha256.Sum256(b.Envelope.Payload)
	return h[:], preAuth(b.Envelope.PayloadType, b.Envelope.Payload), made, nil
}
