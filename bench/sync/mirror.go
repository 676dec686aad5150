package main

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/singleflight"
)

// maxAnswer bounds what the mirror keeps of one answer, in bytes.
const maxAnswer = 64 << 20

// mirror is a pull-through cache: what it does not have it gets once, for all clients
// meanwhile. Like most, it knows nothing of referrers.
type mirror struct {
	origin string // http://host:port
	group  singleflight.Group
	cache  sync.Map // of answer, by digest or path
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP implements http.Handler.
func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "this mirror can only be read", http.StatusMethodNotAllowed)
		return
	}
	a, err := m.get(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for _, name := range []string{"Content-Type", "Docker-Content-Digest"} {
		if v := a.header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (m *mirror) get(r *http.Request) (answer, error) {
	key := r.URL.Path
	if name := path.Base(key); digest.Digest(name).Validate() == nil {
		key = name // the same in all repositories
	}
	if have, ok := m.cache.Load(key); ok {
		return have.(answer), nil
	}
	got, err, _ := m.group.Do(key, func() (any, error) {
		if have, ok := m.cache.Load(key); ok {
			return have, nil
		}
		a, err := m.fetch(r)
		if err == nil && a.status == http.StatusOK {
			m.cache.Store(key, a)
		}
		return a, err
	})
	if err != nil {
		return answer{}, err
	}
	return got.(answer), nil
}

func (m *mirror) fetch(r *http.Request) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, m.origin+r.URL.Path, nil) // not canceled with r: others may wait for it
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", r.Header.Get("Accept"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{resp.StatusCode, resp.Header, body}, err
}
