package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

func TestDescribe(t *testing.T) {
	info := source.Info{
		ID: "aa", Name: "k8s_web", PID: 1, SandboxID: "bb", PodName: "of podman",
		Labels: map[string]string{
			"io.kubernetes.container.name": "web", "io.kubernetes.pod.name": "pod", "io.kubernetes.pod.namespace": "ns",
			"io.kubernetes.pod.uid": "uid",
		},
		PodLabels: map[string]string{
			"io.kubernetes.pod.name": "pod", "io.cri-containerd.kind": "sandbox", "app": "web", "app.kubernetes.io/name": "web",
		},
	}
	got := describe(Docker, info)
	want := Container{
		Runtime: Runtime{Name: Docker, ID: "aa", Container: "k8s_web"},
		K8s: K8s{
			Namespace: "ns", PodName: "pod", Container: "web", PodUID: "uid",
			PodLabels: map[string]string{"app": "web", "app.kubernetes.io/name": "web"},
		},
		SandboxID: "bb", PID: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := describe(Podman, source.Info{ID: "aa", PodName: "of podman"}); got.K8s.PodName != "of podman" ||
		got.K8s.PodLabels != nil {
		t.Errorf("a pod of podman: %+v", got.K8s)
	}
}

func TestOwner(t *testing.T) {
	for _, tc := range []struct {
		name, pod string
		labels    map[string]string
		want      string
	}{
		{"deployment", "web-5d4f-x7x2p", map[string]string{"pod-template-hash": "5d4f"}, "Deployment web"},
		{"deployment with hyphens", "my-web-5d4f-x7x2p", map[string]string{"pod-template-hash": "5d4f"}, "Deployment my-web"},
		{"deployment of a shortened name", "a-very-long-name-x7x2p", map[string]string{"pod-template-hash": "5d4f"}, ""},
		{
			"daemon set", "proxy-abcde",
			map[string]string{"controller-revision-hash": "1", "pod-template-generation": "1"},
			"DaemonSet proxy",
		},
		{"stateful set", "db-0", map[string]string{"statefulset.kubernetes.io/pod-name": "db-0"}, "StatefulSet db"},
		{
			"job", "backup-1-abcde",
			map[string]string{"batch.kubernetes.io/job-name": "backup-1", "job-name": "x"},
			"Job backup-1",
		},
		{"job of old", "backup-1-abcde", map[string]string{"job-name": "backup-1"}, "Job backup-1"},
		{"static pod", "etcd-master", map[string]string{"tier": "control"}, ""},
		{"no labels", "web-5d4f-x7x2p", nil, ""},
		{"no name", "", map[string]string{"pod-template-hash": "5d4f"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if o := owner(tc.pod, tc.labels); o != nil {
				got = o.Kind + " " + o.Name
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestMerge: docker's containers are containerd's too.
func TestMerge(t *testing.T) {
	one := func(runtime, id, name string) Container {
		return Container{Runtime: Runtime{Name: runtime, ID: id, Container: name}}
	}
	var got []string
	for _, c := range merge([][]Container{
		{one(Docker, "2", "b"), one(Docker, "1", "a")},
		{one(Containerd, "1", "1"), one(Containerd, "3", "c")},
		nil,
	}) {
		got = append(got, c.Runtime.Name+" "+c.Runtime.ID)
	}
	if diff := cmp.Diff([]string{"containerd 3", "docker 1", "docker 2"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	e := (&RuntimeFlags{CRIOSocket: "/run/crio/crio.sock"}).endpoint(CRIO)
	for _, tc := range []struct {
		err  error
		want string
	}{
		{fs.ErrNotExist, `socket "/run/crio/crio.sock" does not exist, start cri-o, name its socket with --crio-socketpath, or leave it out of --runtimes`},
		{unix.EACCES, `permission denied at "/run/crio/crio.sock", run as root`},
		{unix.ECONNREFUSED, `no process listens at "/run/crio/crio.sock", start cri-o`},
		{
			fmt.Errorf("listing: %w", context.DeadlineExceeded),
			`no answer from "/run/crio/crio.sock" within 10s, check that cri-o works`,
		},
		{errors.New("it is odd"), `querying "/run/crio/crio.sock": it is odd, check that cri-o works`},
	} {
		if got := e.explain(tc.err).Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

// TestTwins: podman-docker makes podman's socket docker's.
func TestTwins(t *testing.T) {
	dir := t.TempDir()
	podman, docker := filepath.Join(dir, "podman"), filepath.Join(dir, "docker")
	if err := os.WriteFile(podman, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	names := func(f RuntimeFlags) string {
		all, err := f.endpoints()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range all {
			names = append(names, e.name)
		}
		return strings.Join(names, " ")
	}
	f := RuntimeFlags{DockerSocket: docker, PodmanSocket: podman}
	if got := names(f); got != "docker containerd cri-o podman" {
		t.Errorf("apart: %s", got)
	}
	if err := os.Symlink(podman, docker); err != nil {
		t.Fatal(err)
	}
	if got := names(f); got != "containerd cri-o podman" {
		t.Errorf("the same: %s", got)
	}
	f.Runtimes = "docker"
	if got := names(f); got != "docker" {
		t.Errorf("only docker: %s", got)
	}
}
