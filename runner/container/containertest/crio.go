package containertest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// crioConfig lets CRI-O run without what a small machine lacks.
const crioConfig = `[crio]
root = "/var/storage"
runroot = "/run/storage"
storage_driver = "vfs"
log_dir = "/var/log"
version_file = "/run/crio-version"
version_file_persist = ""
clean_shutdown_file = ""
[crio.api]
listen = "/run/crio.sock"
stream_port = "0"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
default_runtime = "runc"
enable_pod_events = true
[crio.runtime.runtimes.runc]
runtime_path = "/usr/sbin/runc"
runtime_root = "/run/runc"
monitor_path = "/usr/bin/conmon"
[crio.image]
pause_image = "` + ImageName + `"
pause_command = "` + program + `"
`

// crio is CRI-O, whose containers are all in pods.
type crio struct {
	*daemon
	id string // of the image
}

// CRIO starts CRI-O, which no Debian suite has: it skips the test unless the
// directory of the container runtimes was given programs crio and pinns by hand.
func CRIO(tb testing.TB) Runtime {
	tb.Helper()
	Needs(tb)
	base, err := tree()
	check(tb, err)
	if _, err := os.Stat(filepath.Join(base, "usr/bin/crio")); errors.Is(err, os.ErrNotExist) {
		tb.Skipf("needs cri-o, which is not in %s", base)
	}
	r := &crio{}
	var archive []byte
	archive, r.id = image(tb)
	d := prepare(tb, "/run/crio.sock", map[string]string{"etc/crio.conf": crioConfig}, "/usr/bin/crio",
		"--config=/etc/crio.conf", "--disable-hostport-mapping")
	d.run(tb, archive, "/usr/bin/podman", "--root=/var/storage", "--runroot=/run/storage", "--storage-driver=vfs", "load")
	d.start(tb)
	r.daemon = d
	return r
}

// ImageID implements Runtime.
func (r *crio) ImageID() string { return r.id }

// Start implements Runtime.
func (r *crio) Start(tb testing.TB, spec Spec) string {
	tb.Helper()
	return StartPod(tb, r, PodSpec{Namespace: "default", Name: spec.Name, Container: spec.Name}).Container
}

// Stop implements Runtime.
func (r *crio) Stop(tb testing.TB, id string) {
	tb.Helper()
	StopContainer(tb, r, id)
}
