package registrytest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault decides what happens to one request. The zero value lets it pass.
type Fault struct {
	Status     int           // answer with this status, the registry does not see the request
	RetryAfter string        // and with this header
	CutAfter   int           // break the connection after so many bytes of the answer's body
	Truncate   int           // leave so many bytes at the end of the answer out, and say so
	Corrupt    bool          // change the last byte of the answer
	Stall      time.Duration // wait in the middle of the answer's body
	Location   string        // redirect there
	NoRange    bool          // hide a range request from the registry
	CutRequest bool          // break the connection before the request's body is read
}

// Proxy is a proxy of a registry that makes faults.
type Proxy struct {
	Addr string

	mu     sync.Mutex
	decide func(r *http.Request, n int) Fault
	seen   []string // method and path of every request
	bytes  int64    // of the answers' bodies
	auth   []string // Authorization headers
}

// NewProxy starts a proxy before the server at addr. decide is called for
// every request; n counts the requests with the same method and path.
func NewProxy(tb testing.TB, addr string, decide func(r *http.Request, n int) Fault) *Proxy {
	tb.Helper()
	p := &Proxy{decide: decide}
	target := &url.URL{Scheme: "http", Host: addr}
	rp := httputil.NewSingleHostReverseProxy(target)
	rp.FlushInterval = -1
	rp.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	counts := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Method + " " + r.URL.Path
		p.mu.Lock()
		counts[key]++
		n := counts[key]
		p.seen = append(p.seen, key)
		if a := r.Header.Get("Authorization"); a != "" {
			p.auth = append(p.auth, a)
		}
		p.mu.Unlock()
		p.serve(w, r, rp, p.decide(r, n))
	}))
	srv.Config.ErrorLog = nil
	tb.Cleanup(srv.Close)
	p.Addr = strings.TrimPrefix(srv.URL, "http://")
	return p
}

// Seen counts the requests whose method and path start so.
func (p *Proxy) Seen(prefix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, s := range p.seen {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// Bytes is how much the proxy has served of bodies.
func (p *Proxy) Bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

// Authorizations are the Authorization headers that arrived.
func (p *Proxy) Authorizations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.auth
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, next http.Handler, f Fault) {
	switch {
	case f.Location != "":
		http.Redirect(w, r, f.Location, http.StatusTemporaryRedirect)
		return
	case f.CutRequest:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		http.Error(w, "made up", f.Status)
		return
	}
	if f.NoRange {
		r.Header.Del("Range")
	}
	if f == (Fault{}) {
		next.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	p.replay(w, rec, f)
}

// replay sends a recorded answer with the faults of its body.
func (p *Proxy) replay(w http.ResponseWriter, rec *httptest.ResponseRecorder, f Fault) {
	body := bytes.Clone(rec.Body.Bytes())
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	if f.Truncate > 0 {
		body = body[:max(len(body)-f.Truncate, 0)]
		w.Header().Del("Content-Length")
	}
	if f.Corrupt && len(body) > 0 {
		body[len(body)-1] ^= 1
	}
	w.WriteHeader(rec.Code)
	cut := len(body)
	if f.CutAfter > 0 {
		cut = min(cut, f.CutAfter)
	}
	if f.Stall > 0 {
		cut = len(body) / 2
	}
	_, _ = io.Copy(w, bytes.NewReader(body[:cut]))
	p.mu.Lock()
	p.bytes += int64(cut)
	p.mu.Unlock()
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
	if f.CutAfter > 0 && cut < len(body) {
		panic(http.ErrAbortHandler)
	}
	if f.Stall > 0 {
		time.Sleep(f.Stall)
		_, _ = io.Copy(w, bytes.NewReader(body[cut:]))
	}
}
