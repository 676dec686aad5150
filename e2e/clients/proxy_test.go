package clients

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// remote is the name of a registry that only the proxy can reach. No
// client uses a proxy for names of this machine itself.
const remote = "registry.example"

// proxy forwards plain requests and tunnels to one registry, whatever host is
// requested. It requires its own credentials.
type proxy struct {
	url, target string

	mu   sync.Mutex
	seen []string // method and host of each request, "denied" before those without credentials
}

const proxyUser, proxyPassword = "clerk", "p@ss:word"

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{target: target}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.url = strings.Replace(srv.URL, "http://", "http://"+proxyUser+":p%40ss%3Aword@", 1)
	return p
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowed := r.Header.Get("Proxy-Authorization") == "Basic "+
		base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
	p.mu.Lock()
	seen := r.Method + " " + r.Host
	if !allowed {
		seen = "denied " + seen
	}
	p.seen = append(p.seen, seen)
	p.mu.Unlock()
	switch {
	case !allowed:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		p.tunnel(w)
	default:
		p.forward(w, r)
	}
}

func (p *proxy) tunnel(w http.ResponseWriter) {
	upstream, err := net.Dial("tcp", p.target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer upstream.Close()
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(upstream, here); _ = upstream.(*net.TCPConn).CloseWrite() })
	both.Go(func() { _, _ = io.Copy(here, upstream); _ = here.(*net.TCPConn).CloseWrite() })
	both.Wait()
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Host = "", p.target
	out.Header.Del("Proxy-Authorization")
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// requests returns what the proxy has seen since the last call.
func (p *proxy) requests() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.seen, "\n")
	p.seen = nil
	return all
}

func TestProxy(t *testing.T) {
	l := newLab(t)
	cert, key := l.ca.Issue(t, "server", remote)
	secure := registrytest.Start(t, registrytest.Config{Htpasswd: account, CertFile: cert, KeyFile: key}).Addr
	plain := registrytest.Start(t, registrytest.Config{}).Addr
	tunnel, forward := newProxy(t, secure), newProxy(t, plain)
	ref := remote + "/proxied/g:v1"
	l.ours(t, "image", "load", "--tag", ref, l.layout)
	with := func(env []string, args ...string) (string, error) {
		stdout, stderr, err := l.exec(env, gadgetRun, l.flags(args)...)
		return stdout + stderr, err
	}
	state := []string{"--state", filepath.Join(t.TempDir(), "state")}

	t.Run("tunnel", func(t *testing.T) {
		env := []string{"HTTPS_PROXY=" + tunnel.url, "HTTP_PROXY=http://127.0.0.1:1"}
		for _, args := range [][]string{
			{"login", "--username", user, "--password", password, remote},
			{"image", "push", ref},
			append(state, "image", "pull", "--all-platforms", ref),
		} {
			if out, err := with(env, args...); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		if seen := tunnel.requests(); !strings.Contains(seen, "CONNECT "+remote+":443") || strings.Contains(seen, "denied") {
			t.Errorf("the proxy saw\n%s", seen)
		}
	})
	t.Run("others through the tunnel", func(t *testing.T) {
		env := []string{"HTTPS_PROXY=" + tunnel.url}
		if out, _, err := l.exec(env, crane, "digest", ref); err != nil || strings.TrimSpace(out) != l.digest {
			t.Errorf("crane digest: %v: %s", err, out)
		}
	})
	t.Run("without credentials", func(t *testing.T) {
		env := []string{"HTTPS_PROXY=" + strings.Replace(tunnel.url, proxyUser+":p%40ss%3Aword@", "", 1)}
		out, err := with(env, append(state, "image", "pull", "--retry", "1", ref)...)
		if err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
			t.Errorf("%v: %s", err, out)
		}
		if seen := tunnel.requests(); !strings.Contains(seen, "denied") {
			t.Errorf("the proxy saw\n%s", seen)
		}
	})
	t.Run("NO_PROXY", func(t *testing.T) {
		env := []string{"HTTPS_PROXY=" + tunnel.url, "NO_PROXY=.example"}
		if out, err := with(env, append(state, "image", "pull", "--retry", "1", ref)...); err == nil ||
			!strings.Contains(err.Error(), remote) {
			t.Errorf("%v: %s", err, out)
		}
		if seen := tunnel.requests(); seen != "" {
			t.Errorf("the proxy saw\n%s", seen)
		}
	})
	t.Run("this machine", func(t *testing.T) {
		env := []string{"HTTPS_PROXY=" + tunnel.url, "HTTP_PROXY=" + forward.url}
		own := plain + "/direct/g:v1"
		l.ours(t, "image", "load", "--tag", own, l.layout)
		if out, err := with(env, "image", "push", own); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if seen := tunnel.requests() + forward.requests(); seen != "" {
			t.Errorf("the proxies saw\n%s", seen)
		}
	})
	t.Run("plain HTTP", func(t *testing.T) { l.plainThroughProxy(t, forward, ref, with) })
}

// plainThroughProxy holds that nothing goes over plain HTTP to another machine
// until that is requested, by a flag or in the configuration.
func (l *lab) plainThroughProxy(t *testing.T, p *proxy, ref string, with func(env []string, args ...string) (string,
	error),
) {
	env := []string{"HTTP_PROXY=" + p.url, "HTTPS_PROXY=http://127.0.0.1:1"}
	l.write(t, "docker/config.json", `{"auths":{"`+remote+`":{"username":"alice","password":"secret"}}}`)
	if out, err := with(env, "image", "push", "--retry", "1", ref); err == nil {
		t.Errorf("the push went over plain HTTP: %s", out)
	}
	if seen := p.requests(); seen != "" {
		t.Errorf("before that was requested the proxy saw\n%s", seen)
	}
	if out, err := with(env, "image", "push", "--insecure", ref); err != nil {
		t.Errorf("--insecure: %v: %s", err, out)
	}
	config := l.write(t, "insecure.conf", "[[registry]]\nprefix = \""+remote+"\"\ninsecure = true\n")
	if out, err := with(append(env, "GADGET_RUN_REGISTRIES="+config), "image", "push", ref); err != nil {
		t.Errorf("insecure in the configuration: %v: %s", err, out)
	}
	if seen := p.requests(); !strings.Contains(seen, "PUT "+remote) || strings.Contains(seen, "denied") {
		t.Errorf("the proxy saw\n%s", seen)
	}
}

// TestMirror pulls through a mirror that containers' configuration names.
func TestMirror(t *testing.T) {
	l := newLab(t)
	s := l.docker(t, "mirror", registrytest.Config{})
	ref := l.push(t, s)
	repository := strings.TrimPrefix(ref, s.addr)
	config := l.write(t, "mirrors.conf", "[[registry]]\nprefix = \""+remote+"\"\nlocation = \""+remote+
		"\"\n[[registry.mirror]]\nlocation = \""+s.addr+"\"\ninsecure = true\n")
	env := []string{"GADGET_RUN_REGISTRIES=", "CONTAINERS_REGISTRIES_CONF=" + config}
	state := filepath.Join(t.TempDir(), "state")
	if out, _, err := l.exec(env, gadgetRun, "--state", state, "-q", "image", "pull", remote+repository); err != nil ||
		!strings.Contains(out, l.digest) {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err := l.exec(nil, skopeo, "--registries-conf", config, "inspect", "--raw", "docker://"+remote+repository)
	if err != nil {
		t.Fatal(err)
	}
	l.check(t, "skopeo", out)
}

// TestClientCertificates shows a certificate to a registry that requires one, from
// one directory that serves gadget-run and skopeo.
func TestClientCertificates(t *testing.T) {
	l := newLab(t)
	cert, key := l.ca.Issue(t, "server")
	addr := registrytest.Start(t, registrytest.Config{CertFile: cert, KeyFile: key, ClientCAFile: l.ca.File}).Addr
	dir := t.TempDir()
	clientCert, clientKey := l.ca.Issue(t, "client")
	for from, to := range map[string]string{l.ca.File: "ca.crt", clientCert: "client.cert", clientKey: "client.key"} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ref := addr + "/mtls/g:v1"
	l.ours(t, "image", "load", "--tag", ref, l.layout)
	if out, err := l.tryOurs("image", "push", "--retry", "1", ref); err == nil {
		t.Fatalf("a push without a certificate: %s", out)
	}
	l.run(t, gadgetRun, "image", "push", "--cert-dir", dir, ref)
	l.check(t, "skopeo", l.run(t, skopeo, "inspect", "--raw", "--cert-dir", dir, "docker://"+ref))
}
