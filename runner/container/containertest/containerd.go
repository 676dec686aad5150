package containertest

import (
	"context"
	"os/exec"
	"testing"
)

// containerdConfig lets the CRI plugin run without what a small machine lacks.
const containerdConfig = `version = 2
root = "/var/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + ImageName + `"
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`

// Namespace is the namespace of containerd that its containers are in.
const Namespace = "k8s.io"

// containerd is a runtime whose containers are made by its own client.
type containerd struct {
	*daemon
	id      string // of the image
	running map[string]bool
}

// Containerd starts containerd. Its containers are outside of pods, unless Pod
// makes them.
func Containerd(tb testing.TB) Runtime {
	tb.Helper()
	archive, id := image(tb)
	r := &containerd{id: id, running: map[string]bool{}, daemon: newDaemon(tb, "/run/containerd.sock",
		map[string]string{"etc/containerd/config.toml": containerdConfig}, "/usr/bin/containerd")}
	r.run(tb, archive, r.ctr("images", "import", "--snapshotter=native", "-")...)
	return r
}

// ctr returns a command line of containerd's client.
func (r *containerd) ctr(args ...string) []string {
	return append([]string{"/usr/bin/ctr", "--address=/run/containerd.sock", "--namespace=" + Namespace}, args...)
}

// ImageID implements Runtime.
func (r *containerd) ImageID() string { return r.id }

// Start implements Runtime.
func (r *containerd) Start(tb testing.TB, spec Spec) string {
	tb.Helper()
	args := []string{"run", "--detach", "--net-host", "--snapshotter=native", "--null-io"}
	for k, v := range spec.Labels {
		args = append(args, "--label", k+"="+v)
	}
	r.run(tb, nil, r.ctr(append(args, ImageName, spec.Name)...)...)
	r.running[spec.Name] = true
	tb.Cleanup(func() {
		if r.running[spec.Name] {
			r.Stop(tb, spec.Name)
		}
		r.run(tb, nil, r.ctr("containers", "rm", spec.Name)...)
	})
	return spec.Name
}

// Client implements Commander.
func (r *containerd) Client(ctx context.Context, args ...string) *exec.Cmd {
	return r.command(ctx, r.ctr(args...)...)
}

// Stop implements Runtime.
func (r *containerd) Stop(tb testing.TB, id string) {
	tb.Helper()
	r.run(tb, nil, r.ctr("tasks", "rm", "--force", id)...) // unlike a kill, this waits for the end
	delete(r.running, id)
}
