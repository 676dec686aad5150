package imgtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// Account is the one that Guarded lets in.
const Account, Password = "someone", "right"

// Guarded is a proxy of a registry that requires Account's password and returns its
// host:port.
func Guarded(t testing.TB, registry string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != Account || password != Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
}

// CutOff is a proxy of a registry that closes each connection in the middle of a
// blob. It returns its host:port.
func CutOff(t testing.TB, registry string) string {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", registry
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		length := resp.ContentLength
		w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
		w.WriteHeader(resp.StatusCode)
		if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
			length /= 2
		}
		_, _ = io.CopyN(w, resp.Body, length) // less than announced: the server closes the connection
	}))
}

// SameAnswer is a server that answers every question with the same short text. It
// returns its host:port.
func SameAnswer(t testing.TB) string {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "not what was requested")
	}))
}

func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
