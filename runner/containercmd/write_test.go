package containercmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/container"
)

// samples are a container of a pod, and one with a hostile name.
func samples() []container.Container {
	return []container.Container{
		{
			Runtime: container.Runtime{
				Name: container.Containerd, ID: "fef9c7f66e0d68c554b7ea48cc3ef4e77c553957807de7f05ad0210a05d8c215",
				Container:   "etcd",
				ImageName:   "registry.example/etcd:3.5",
				ImageID:     "sha256:2b0d6572d062c0f590b08c3113e5d9a61e381b3da7845a0289bdbf1faa1b23d1",
				ImageDigest: "sha256:7ab3d0c9f0c5d7b23e4a3a7d6d0c6a7ab5b6f5e86d4a0ac0d1c5f3c1ed1b7c4f",
				StartedAt:   1700000000123456789,
			},
			K8s: container.K8s{
				Namespace: "kube-system", PodName: "etcd-master", Container: "etcd", PodUID: "87a960e902bbb19289771a77e4b07353",
				PodLabels: map[string]string{"tier": "control", "app": "etcd"}, Owner: &container.Owner{Kind: "Job", Name: "j"},
			},
			SandboxID: "aa", PID: 1611, MountNS: 4026532270, NetNS: 4026531992, HostNetwork: true,
			CgroupPath: "/sys/fs/cgroup/unified/system.slice/containerd.service", CgroupID: 854,
			CgroupV1: "/kubepods/pod87a960e9", CgroupV2: "/system.slice/containerd.service",
		},
		{Runtime: container.Runtime{Name: container.Podman, ID: "not-an-id", Container: "a\x1b[2Jb"}, PID: 7},
	}
}

func TestTable(t *testing.T) {
	for _, tc := range []struct{ name, columns, want string }{
		{"default", defaultColumns, `
RUNTIME.RUNTIME RUNTIME.CONTAINERID RUNTIME.CONTAINER
containerd      fef9c7f66e0d6       etcd
podman          not-an-id           a` + "\uFFFD" + `[2Jb
`},
		{"chosen", "pid, K8S.podname,mntns,runtime.containerImageDigest", `
PID  K8S.PODNAME MNTNS      RUNTIME.CONTAINERIMAGEDIGEST
1611 etcd-master 4026532270 7ab3d0c9f0c5d
7
`},
		{"other names", "runtime.runtimeName,runtime.containerName,k8s.labels,k8s.owner.kind", `
RUNTIME.RUNTIME RUNTIME.CONTAINER K8S.PODLABELS         K8S.OWNER.KIND
containerd      etcd              app=etcd,tier=control Job
podman          a` + "\uFFFD" + `[2Jb
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cols, err := columnsOf(tc.columns)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := printTable(&out, cols, samples()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEveryColumn checks the columns against the JSON: each shows a value of it.
func TestEveryColumn(t *testing.T) {
	var names []string
	for _, k := range allColumns {
		names = append(names, k.name)
	}
	cols, err := columnsOf(strings.Join(names, ","))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for i, text := range texts(cols, &samples()[0]) {
		if text == "" {
			t.Errorf("column %s is empty", names[i])
		}
		if other, ok := seen[text]; ok && text != "etcd" {
			t.Errorf("columns %s and %s show the same", other, names[i])
		}
		seen[text] = names[i]
	}
}

const wantJSON = `[
  {
    "runtime": {
      "name": "containerd",
      "containerId": "fef9c7f66e0d68c554b7ea48cc3ef4e77c553957807de7f05ad0210a05d8c215",
      "containerName": "etcd",
      "containerImageName": "registry.example/etcd:3.5",
      "containerImageId": "sha256:2b0d6572d062c0f590b08c3113e5d9a61e381b3da7845a0289bdbf1faa1b23d1",
      "containerImageDigest": "sha256:7ab3d0c9f0c5d7b23e4a3a7d6d0c6a7ab5b6f5e86d4a0ac0d1c5f3c1ed1b7c4f",
      "containerStartedAt": 1700000000123456789
    },
    "k8s": {
      "namespace": "kube-system",
      "podName": "etcd-master",
      "containerName": "etcd",
      "podUID": "87a960e902bbb19289771a77e4b07353",
      "podLabels": {
        "app": "etcd",
        "tier": "control"
      },
      "owner": {
        "kind": "Job",
        "name": "j"
      }
    },
    "sandboxId": "aa",
    "pid": 1611,
    "mntns": 4026532270,
    "netns": 4026531992,
    "hostNetwork": true,
    "cgroupPath": "/sys/fs/cgroup/unified/system.slice/containerd.service",
    "cgroupID": 854,
    "cgroupV1": "/kubepods/pod87a960e9",
    "cgroupV2": "/system.slice/containerd.service"
  }
]
`

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := printJSON(&out, samples()[:1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantJSON, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWatchForms(t *testing.T) {
	cols, err := columnsOf("runtime.runtime,pid")
	if err != nil {
		t.Fatal(err)
	}
	c := samples()[1]
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		json bool
		want string
	}{
		{false, "EVENT   RUNTIME.RUNTIME PID\nCREATED podman          7\nDELETED podman          7\n"},
		{true, `{"timestamp":"2026-01-02T03:04:05Z","event":"CREATED","container":{"runtime":{"name":"podman","containerId":"not-an-id","containerName":"a\u001b[2Jb"},"k8s":{},"pid":7}}
{"timestamp":"2026-01-02T03:04:05Z","event":"DELETED","container":{"runtime":{"name":"podman","containerId":"not-an-id","containerName":"a\u001b[2Jb"},"k8s":{},"pid":7}}
`},
	} {
		var out bytes.Buffer
		w := &writer{out: &out, cols: cols, json: tc.json}
		if err := w.begin(); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []container.EventType{container.Added, container.Removed} {
			if err := w.event(container.Event{Type: kind, Container: c}, at); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(tc.want, out.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
