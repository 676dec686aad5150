package sign_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// transparencyLog makes promises as Rekor does.
type transparencyLog struct{ key *ecdsa.PrivateKey }

func (l transparencyLog) der(tb testing.TB) []byte {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(&l.key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func (l transparencyLog) public(tb testing.TB) []sign.PublicKey {
	tb.Helper()
	keys, err := sign.ParsePublicKeys(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: l.der(tb)}), "log")
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// entry is an entry of the log about a signature, and its promise.
type entry struct {
	body    string
	seconds int64
	id      string
	promise []byte
}

func (l transparencyLog) promise(tb testing.TB, body string, at time.Time) entry {
	tb.Helper()
	id := sha256.Sum256(l.der(tb))
	e := entry{body: body, seconds: at.Unix(), id: hex.EncodeToString(id[:])}
	signed := fmt.Sprintf(`{"body":%q,"integratedTime":%d,"logID":%q,"logIndex":7}`,
		base64.StdEncoding.EncodeToString([]byte(body)), e.seconds, e.id)
	sum := sha256.Sum256([]byte(signed))
	var err error
	if e.promise, err = ecdsa.SignASN1(rand.Reader, l.key, sum[:]); err != nil {
		tb.Fatal(err)
	}
	return e
}

// bodyOf is what a log has about a signature by a certificate.
func bodyOf(tb testing.TB, s sign.Signature, leaf authority) string {
	tb.Helper()
	certificate := base64.StdEncoding.EncodeToString([]byte(leaf.pem()))
	if s.Form == sign.FormTag {
		sum := sha256.Sum256(s.Data)
		return fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"%x"}},"signature":{"content":%q,"publicKey":{"content":%q}}}}`, sum, s.Base64, certificate)
	}
	var b struct {
		Envelope struct {
			Payload    []byte
			Signatures []struct{ Sig string }
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(s.Data, &b); err != nil {
		tb.Fatal(err)
	}
	sum := sha256.Sum256(b.Envelope.Payload)
	return fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"dsse","spec":{"payloadHash":{"algorithm":"sha256","value":"%x"},"signatures":[{"signature":%q,"verifier":%q}]}}`, sum, b.Envelope.Signatures[0].Sig, certificate)
}

// with adds the entry to the signature, as the form requires.
func (e entry) with(s sign.Signature) sign.Signature {
	body := base64.StdEncoding.EncodeToString([]byte(e.body))
	promise := base64.StdEncoding.EncodeToString(e.promise)
	if s.Form == sign.FormTag {
		s.Log = fmt.Sprintf(`{"SignedEntryTimestamp":%q,"Payload":{"body":%q,"integratedTime":%d,"logIndex":7,"logID":%q}}`,
			promise, body, e.seconds, e.id)
		return s
	}
	id, _ := hex.DecodeString(e.id)
	text := fmt.Sprintf(`"verificationMaterial":{"tlogEntries":[{"logIndex":"7","logId":{"keyId":%q},"kindVersion":{"kind":"dsse","version":"0.0.1"},"integratedTime":"%d","inclusionPromise":{"signedEntryTimestamp":%q},"canonicalizedBody":%q}],`,
		base64.StdEncoding.EncodeToString(id), e.seconds, promise, body)
	s.Data = []byte(strings.Replace(string(s.Data), `"verificationMaterial":{`, text, 1))
	return s
}

// TestCertificatesOfMinutes: a certificate that has expired counts when a log
// says that the signature was made before.
func TestCertificatesOfMinutes(t *testing.T) {
	root := authority{}.issue(t, caTemplate("root"))
	short := signerTemplate(t)
	made := noon.Add(-90 * 24 * time.Hour)
	short.NotBefore, short.NotAfter = made.Add(-time.Minute), made.Add(9*time.Minute)
	leaf, other := root.issue(t, short), root.issue(t, signerTemplate(t))
	log, otherLog := transparencyLog{ecKey(t)}, transparencyLog{ecKey(t)}
	v := identity(t, sign.Identity{Subject: releaser}, root)
	plain := v
	v.Identities = []sign.Identity{v.Identities[0].WithLog(log.public(t))}
	for _, form := range forms {
		s := certified(t, form, leaf)
		body := bodyOf(t, s, leaf)
		good := log.promise(t, body, made)
		change := func(do func(*entry)) sign.Signature {
			e := good
			do(&e)
			return e.with(s)
		}
		for _, tt := range []struct {
			name, want string
			s          sign.Signature
			v          sign.Verification
		}{
			{"logged in time", "", good.with(s), v},
			{"a policy without a log", "expired", good.with(s), plain},
			{"not logged", "no log of the policy", s, v},
			{"still valid, not logged", "no log of the policy", certified(t, form, other), v},
			{"logged by another", "no log of the policy", otherLog.promise(t, body, made).with(s), v},
			{"signed by another log", "not signed by that log", change(func(e *entry) {
				e.promise = otherLog.promise(t, body, made).promise
			}), v},
			{"another time", "not signed by that log", change(func(e *entry) { e.seconds++ }), v},
			{"another body", "not signed by that log", change(func(e *entry) { e.body += " " }), v},
			{"no promise", "not signed by that log", change(func(e *entry) { e.promise = nil }), v},
			{"logged too late", "expired", log.promise(t, body, made.Add(time.Hour)).with(s), v},
			{"logged too early", "not yet valid", log.promise(t, body, made.Add(-time.Hour)).with(s), v},
			{"no time", "no log of the policy", log.promise(t, body, time.Unix(0, 0)).with(s), v},
			{
				"entry of another signature", "about another signature",
				log.promise(t, bodyOf(t, certified(t, form, leaf, leaf), other), made).with(s), v,
			},
			{"entry of another certificate", "about another signature", log.promise(t, bodyOf(t, s, other), made).with(s), v},
			{"entry of another kind", "which is not read", log.promise(t, `{"kind":"rpm"}`, made).with(s), v},
			{"entry of nothing", "about another signature", log.promise(t, `{"kind":"dsse"}`, made).with(s), v},
			{"no entry", "reading the entry of a log", log.promise(t, `[`, made).with(s), v},
		} {
			t.Run(fmt.Sprintf("%s as a %s", tt.name, form), func(t *testing.T) {
				_, err := tt.s.Verify(golden, tt.v)
				checkError(t, err, tt.want)
			})
		}
	}
}

// TestLogsInTheField reads the annotation that cosign 2 writes, and remembers
// what it says.
func TestLogsInTheField(t *testing.T) {
	root, log := authority{}.issue(t, caTemplate("root")), transparencyLog{ecKey(t)}
	short := signerTemplate(t)
	made := noon.Add(-24 * time.Hour)
	short.NotBefore, short.NotAfter = made.Add(-time.Minute), made.Add(9*time.Minute)
	leaf := root.issue(t, short)
	s := certified(t, sign.FormTag, leaf)
	s = log.promise(t, bodyOf(t, s, leaf), made).with(s)
	r := newRepo()
	layer := r.add(sign.PayloadMediaType, s.Data)
	layer.Annotations = map[string]string{
		sign.SignatureAnnotation: s.Base64, sign.CertificateAnnotation: s.Certificates, sign.LogAnnotation: s.Log,
	}
	r.tags[sign.Tag(golden)] = r.add(ocispec.MediaTypeImageManifest, toJSON(t, map[string]any{"layers": []any{layer}}))
	id := identity(t, sign.Identity{Subject: releaser}, root).Identities[0].WithLog(log.public(t))
	policy := &sign.Policy{Source: "test", Default: sign.Rule{Identities: []sign.Identity{id}, Unsigned: sign.Refuse}}
	q := sign.Request{
		Policy: policy, Name: repository, Digest: golden, State: t.TempDir(), Now: noon,
		Place: func() (sign.Place, error) { return r, nil },
	}
	for range 2 { // the second time what is remembered counts
		got, err := sign.Check(t.Context(), q)
		if err != nil || len(got.Signers) != 1 || got.Signers[0].Name != "releaser" {
			t.Errorf("got %+v, %v; want one signer", got, err)
		}
		q.Place = nil
	}
}

// trustedRootOf is a trusted_root.json.
func trustedRootOf(tb testing.TB, root authority, log transparencyLog, from, to time.Time) string {
	tb.Helper()
	span := fmt.Sprintf(`{"start":%q,"end":%q}`, from.Format(time.RFC3339), to.Format(time.RFC3339))
	return fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":[{"baseUrl":"https://rekor.example","hashAlgorithm":"SHA2_256","publicKey":{"rawBytes":%q,"keyDetails":"PKIX_ECDSA_P256_SHA_256","validFor":%s},"logId":{"keyId":"AAAA"}}],
		"certificateAuthorities":[{"subject":{"commonName":"root"},"uri":"https://fulcio.example","certChain":{"certificates":[{"rawBytes":%q}]},"validFor":%s}]}`,
		base64.StdEncoding.EncodeToString(log.der(tb)), span, base64.StdEncoding.EncodeToString(root.cert.Raw), span)
}

func TestTrustedRoot(t *testing.T) {
	root, log := authority{}.issue(t, caTemplate("root")), transparencyLog{ecKey(t)}
	short := signerTemplate(t)
	made := noon.Add(-90 * 24 * time.Hour)
	short.NotBefore, short.NotAfter = made.Add(-time.Minute), made.Add(9*time.Minute)
	leaf := root.issue(t, short)
	year := 365 * 24 * time.Hour
	for _, form := range forms {
		s := certified(t, form, leaf)
		s = log.promise(t, bodyOf(t, s, leaf), made).with(s)
		for _, tt := range []struct {
			name, text, want string
		}{
			{"in time", trustedRootOf(t, root, log, made.Add(-year), noon.Add(year)), ""},
			{"ended before", trustedRootOf(t, root, log, made.Add(-year), made.Add(-time.Hour)), "no log of the policy"},
			{"began after", trustedRootOf(t, root, log, made.Add(time.Hour), noon), "no log of the policy"},
			{
				"another log", trustedRootOf(t, root, transparencyLog{ecKey(t)}, made.Add(-year), noon),
				"no log of the policy",
			},
			{
				"another authority", trustedRootOf(t, authority{}.issue(t, caTemplate("root")), log, made.Add(-year), noon),
				"does not verify",
			},
		} {
			id, err := sign.NewTrustedIdentity(sign.Identity{Subject: releaser, Issuer: provider}, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Verify(golden, sign.Verification{Identities: []sign.Identity{id}, Now: noon})
			t.Run(fmt.Sprintf("%s as a %s", tt.name, form), func(t *testing.T) { checkError(t, err, tt.want) })
		}
	}
	good := trustedRootOf(t, root, log, made, noon)
	for _, tt := range []struct{ subject, text, want string }{
		{"", good, "subject"},
		{releaser, "[", "reading the trusted root"},
		{releaser, `{"mediaType":"x"}`, "not a trusted root"},
		{releaser, `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json"}`, "must have"},
		{releaser, strings.Replace(good, "rawBytes\":\"", "rawBytes\":\"AAAA", 1), "key of a log"},
		{releaser, good[:strings.LastIndex(good, `"rawBytes"`)] + `"rawBytes":"AAAA"}]}}]}`, "certificate"},
	} {
		_, err := sign.NewTrustedIdentity(sign.Identity{Subject: tt.subject}, []byte(tt.text))
		checkError(t, err, tt.want)
	}
}

func TestLogsInThePolicy(t *testing.T) {
	root, log := authority{}.issue(t, caTemplate("root")), transparencyLog{ecKey(t)}
	files := map[string]string{
		"root.pem": root.pem(), "log.pub": string(pemOf(t, &log.key.PublicKey)),
		"trusted_root.json": trustedRootOf(t, root, log, noon.AddDate(-1, 0, 0), noon),
	}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("no file %q", name)
	}
	hashes := map[string]bool{}
	for _, tt := range []struct{ text, want string }{
		{"roots: {file: root.pem}", ""},
		{"roots: {file: root.pem}, log: {file: log.pub}", ""},
		{"trustedRoot: trusted_root.json", ""},
		{"trustedRoot: trusted_root.json, log: {file: log.pub}", "leave \"roots\" and \"log\" out"},
		{"trustedRoot: absent.json", "absent.json"},
		{"roots: {file: root.pem}, log: {file: root.pem}", "log"},
		{"log: {file: log.pub}", "roots"},
	} {
		text := "version: 1\nidentities:\n  bot: {subject: " + releaser + ", " + tt.text + "}\nrules:\n- {match: " +
			repository + ", identities: [bot]}\n"
		p, err := sign.ParsePolicy([]byte(text), "test", read)
		checkError(t, err, tt.want)
		if err == nil {
			hashes[p.Hash()] = true
		}
	}
	if len(hashes) != 3 {
		t.Errorf("%d hashes of three policies", len(hashes))
	}
}

// FuzzTrustedRoot and FuzzLogEntry: what is read of them admits no signature.
func FuzzTrustedRoot(f *testing.F) {
	root, log := authority{}.issue(f, caTemplate("root")), transparencyLog{ecKey(f)}
	f.Add([]byte(trustedRootOf(f, root, log, noon.AddDate(-1, 0, 0), noon)))
	leaf := authority{}.issue(f, caTemplate("mine")).issue(f, signerTemplate(f))
	s := certified(f, sign.FormTag, leaf)
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := sign.NewTrustedIdentity(sign.Identity{Subject: releaser}, data)
		if err != nil {
			return
		}
		if _, err := s.Verify(golden, sign.Verification{Identities: []sign.Identity{id}, Now: noon}); err == nil {
			t.Errorf("%q lets a otherLog in", data)
		}
	})
}

func FuzzLogEntry(f *testing.F) {
	root, log := authority{}.issue(f, caTemplate("root")), transparencyLog{ecKey(f)}
	leaf := root.issue(f, signerTemplate(f))
	s := certified(f, sign.FormTag, leaf)
	f.Add(transparencyLog{ecKey(f)}.promise(f, bodyOf(f, s, leaf), noon).with(s).Log)
	v := identity(f, sign.Identity{Subject: releaser}, root)
	v.Identities = []sign.Identity{v.Identities[0].WithLog(log.public(f))}
	f.Fuzz(func(t *testing.T, text string) {
		logged := s
		logged.Log = text
		if _, err := logged.Verify(golden, v); err == nil {
			t.Errorf("%q counts, which the log never said", text)
		}
	})
}
