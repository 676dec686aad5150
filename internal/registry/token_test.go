package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// A token server, or a registry that refuses, may answer without end: no more
// than a little of it is read.
func TestEndlessAnswers(t *testing.T) {
	const limit = 16 << 20 // of what may be sent before the client must have hung up: buffers of sockets are large
	for name, tc := range map[string]struct {
		endless func(r *http.Request) bool
		status  int
		err     string
	}{
		"token":   {func(r *http.Request) bool { return r.URL.Path == "/token" }, http.StatusOK, "answer is too large"},
		"refusal": {func(r *http.Request) bool { return r.URL.Path == "/token" }, http.StatusForbidden, "access forbidden"},
		"ping":    {func(*http.Request) bool { return true }, http.StatusBadRequest, "it answered 400"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan int, 16)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !tc.endless(r) {
					w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
					http.Error(w, "{}", http.StatusUnauthorized)
					return
				}
				w.WriteHeader(tc.status)
				n, chunk := 0, []byte(`{"token":"`+strings.Repeat("x", 64<<10))
				for n < 4*limit {
					m, err := w.Write(chunk)
					if n += m; err != nil {
						break
					}
				}
				sent <- n
			}))
			t.Cleanup(srv.Close)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c := newClient(t, registry.Options{Attempts: 1}).WithShortTimeouts()
			_, err := c.Resolve(context.Background(), parse(t, strings.TrimPrefix(srv.URL, "http://")+"/g:v1"))
			runtime.ReadMemStats(&after)
			checkOutcome(t, err, tc.err)
			if n := <-sent; n > limit {
				t.Errorf("%d bytes were taken, want at most %d", n, limit)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > limit {
				t.Errorf("%d bytes were allocated, want at most %d", got, limit)
			}
		})
	}
}
