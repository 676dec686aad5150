package containertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// dockerLike is a runtime with docker's API.
type dockerLike struct {
	*daemon
	http *http.Client
	id   string // of the image
}

// Docker starts dockerd, which starts a containerd of its own.
func Docker(tb testing.TB) Runtime {
	tb.Helper()
	return newDockerLike(tb, newDaemon(tb, "/run/docker.sock", nil,
		"/usr/sbin/dockerd", "--host=unix:///run/docker.sock", "--live-restore", "--storage-driver=vfs",
		"--iptables=false", "--ip6tables=false", "--bridge=none", "--userland-proxy=false",
		"--data-root=/var/docker", "--exec-root=/run/docker", "--exec-opt=native.cgroupdriver=cgroupfs"))
}

// Podman starts podman's service.
func Podman(tb testing.TB) Runtime {
	tb.Helper()
	return newDockerLike(tb, newDaemon(tb, "/run/podman.sock", nil,
		"/usr/bin/podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file",
		"system", "service", "--time=0", "unix:///run/podman.sock"))
}

func newDockerLike(tb testing.TB, d *daemon) Runtime {
	tb.Helper()
	r := &dockerLike{daemon: d, http: &http.Client{Timeout: callTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", d.Socket())
		},
		DisableKeepAlives: true,
	}}}
	var archive []byte
	archive, r.id = image(tb)
	r.call(tb, http.MethodPost, "/images/load", archive, nil)
	return r
}

// ImageID implements Runtime.
func (r *dockerLike) ImageID() string { return r.id }

// Start implements Runtime.
func (r *dockerLike) Start(tb testing.TB, spec Spec) string {
	tb.Helper()
	request, err := json.Marshal(map[string]any{
		"Image": ImageName, "Labels": spec.Labels, "HostConfig": map[string]string{"NetworkMode": "host"},
	})
	check(tb, err)
	var made struct{ ID string }
	r.call(tb, http.MethodPost, "/containers/create?name="+url.QueryEscape(spec.Name), request, &made)
	tb.Cleanup(func() { r.call(tb, http.MethodDelete, "/containers/"+made.ID+"?force=true", nil, nil) })
	r.call(tb, http.MethodPost, "/containers/"+made.ID+"/start", nil, nil)
	return made.ID
}

// Stop implements Runtime.
func (r *dockerLike) Stop(tb testing.TB, id string) {
	tb.Helper()
	r.call(tb, http.MethodPost, "/containers/"+id+"/kill", nil, nil)
}

// Restarter is a runtime that can end a container and start it again at once.
type Restarter interface {
	RestartContainer(tb testing.TB, id string)
}

// RestartContainer implements Restarter.
func (r *dockerLike) RestartContainer(tb testing.TB, id string) {
	tb.Helper()
	r.call(tb, http.MethodPost, "/containers/"+id+"/restart", nil, nil)
}

// libpod is podman's own API.
const libpod = "/v4.0.0/libpod"

// StartPodmanPod makes a pod of podman with one container, and returns the IDs
// of both. The test's end removes them.
func StartPodmanPod(tb testing.TB, r Runtime, pod, container string) (podID, id string) {
	tb.Helper()
	p := r.(*dockerLike)
	host := map[string]string{"nsmode": "host"}
	post := func(path string, request map[string]any) string {
		body, err := json.Marshal(request)
		check(tb, err)
		var made struct{ ID string }
		p.call(tb, http.MethodPost, libpod+path, body, &made)
		return made.ID
	}
	podID = post("/pods/create", map[string]any{
		"name": pod, "netns": host, "infra_image": ImageName, "infra_command": []string{program},
	})
	tb.Cleanup(func() { p.call(tb, http.MethodDelete, libpod+"/pods/"+podID+"?force=true", nil, nil) })
	id = post("/containers/create", map[string]any{"name": container, "image": ImageName, "pod": podID})
	p.call(tb, http.MethodPost, libpod+"/pods/"+podID+"/start", nil, nil)
	return podID, id
}

// call sends a request and reads the answer.
func (r *dockerLike) call(tb testing.TB, method, path string, body []byte, answer any) {
	tb.Helper()
	req, err := http.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
	check(tb, err)
	req.Header.Set("Content-Type", "application/json")
	if path == "/images/load" {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	resp, err := r.http.Do(req)
	check(tb, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	check(tb, err)
	if resp.StatusCode >= http.StatusBadRequest {
		tb.Fatalf("%s %s: %s: %s", method, path, resp.Status, data)
	}
	if answer != nil {
		check(tb, json.Unmarshal(data, answer))
	}
}
