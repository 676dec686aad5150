package containertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"testing"
)

// dockerLike is a runtime with docker's API.
type dockerLike struct {
	*daemon
	client []string // its own, with the flags that lead it to the daemon
	http   *http.Client
	id     string // of the image
}

// Docker starts dockerd, which starts its own containerd.
func Docker(tb testing.TB) Runtime {
	tb.Helper()
	return newDocker(tb, "{}", "--storage-driver=vfs")
}

// DockerSnapshotter starts dockerd with the images in the store of its
// containerd, where newer ones have them unless configured otherwise.
func DockerSnapshotter(tb testing.TB) Runtime {
	tb.Helper()
	return newDocker(tb, `{"features": {"containerd-snapshotter": true}}`, "--storage-driver=native")
}

func newDocker(tb testing.TB, config string, args ...string) Runtime {
	tb.Helper()
	const host = "--host=unix:///run/docker.sock"
	args = append([]string{
		"/usr/sbin/dockerd", host, "--config-file=/etc/daemon.json", "--live-restore",
		"--iptables=false", "--ip6tables=false", "--bridge=none", "--userland-proxy=false",
		"--data-root=/var/docker", "--exec-root=/run/docker", "--exec-opt=native.cgroupdriver=cgroupfs",
	}, args...)
	d := newDaemon(tb, "/run/docker.sock", map[string]string{"etc/daemon.json": config}, args...)
	return newDockerLike(tb, d, "/usr/bin/docker", host)
}

// Podman starts podman's service.
func Podman(tb testing.TB) Runtime {
	tb.Helper()
	client := []string{
		"/usr/bin/podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file",
	}
	d := newDaemon(tb, "/run/podman.sock", nil,
		slices.Concat(client, []string{"system", "service", "--time=0", "unix:///run/podman.sock"})...)
	return newDockerLike(tb, d, client...)
}

func newDockerLike(tb testing.TB, d *daemon, client ...string) Runtime {
	tb.Helper()
	r := &dockerLike{daemon: d, client: client, http: &http.Client{Timeout: callTimeout, Transport: &http.Transport{
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

// Client implements Commander.
func (r *dockerLike) Client(ctx context.Context, args ...string) *exec.Cmd {
	return r.command(ctx, slices.Concat(r.client, args)...)
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
