package registrytest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TokenServer gives out the tokens that a registry with Config.Tokens wants.
type TokenServer struct {
	Realm string // its address

	service, issuer, bundle string
	user, password          string
	key                     *ecdsa.PrivateKey
	cert                    []byte // DER
	given                   atomic.Int64
}

// tokenLife is how long a token is good for.
const tokenLife = 5 * time.Minute

// NewTokenServer starts a server, with TLS, that knows one user. A client without
// credentials gets tokens, too, which grant nothing.
func NewTokenServer(tb testing.TB, ca *CA, user, password string) *TokenServer {
	tb.Helper()
	certFile, keyFile := ca.Issue(tb, "tokens")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		tb.Fatal(err)
	}
	s := &TokenServer{
		service: "registry", issuer: "token server", bundle: ca.File, user: user, password: password,
		key: pair.PrivateKey.(*ecdsa.PrivateKey), cert: pair.Certificate[0],
	}
	srv := httptest.NewUnstartedServer(s)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	srv.StartTLS()
	tb.Cleanup(srv.Close)
	// By name: clients refuse realms at private addresses, but for the registry's own.
	s.Realm = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) + "/token"
	return s
}

// Given is how many tokens were given out.
func (s *TokenServer) Given() int { return int(s.given.Load()) }

// access is what a token allows.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// ServeHTTP implements http.Handler.
func (s *TokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, shown := r.BasicAuth()
	if r.Method == http.MethodPost { // OAuth2, as some clients ask
		user, password, shown = r.PostFormValue("username"), r.PostFormValue("password"), true
	}
	authenticated := user == s.user && password == s.password
	if shown && !authenticated {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"no such user"}]}`, http.StatusUnauthorized)
		return
	}
	allowed := []access{}
	for _, scopes := range append(r.URL.Query()["scope"], r.PostFormValue("scope")) {
		for scope := range strings.FieldsSeq(scopes) {
			kind, rest, _ := strings.Cut(scope, ":")
			if at := strings.LastIndex(rest, ":"); at >= 0 && authenticated {
				allowed = append(allowed, access{kind, rest[:at], strings.Split(rest[at+1:], ",")})
			}
		}
	}
	token, err := s.sign(user, allowed)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token":%q,"access_token":%q,"expires_in":%d}`, token, token, int(tokenLife.Seconds()))
}

// sign makes a JSON web token with its certificate inside.
func (s *TokenServer) sign(user string, allowed []access) (string, error) {
	now := time.Now()
	header, err := json.Marshal(map[string]any{
		"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(s.cert)},
	})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": s.issuer, "aud": s.service, "sub": user, "access": allowed, "jti": fmt.Sprint(s.given.Add(1)),
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(tokenLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	a, b, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return signed + "." + encode(signature), nil
}
