package container_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
)

// web is a pod of a Deployment.
func web() containertest.PodSpec {
	return containertest.PodSpec{
		Namespace: "shop", Name: "web-5d4f-x7x2p", Container: "server",
		Labels: map[string]string{"app": "web", "pod-template-hash": "5d4f"},
	}
}

// TestPods makes pods as a kubelet would and lists those of containerd through
// both its APIs. CRI-O is in no Debian suite: containerd replaces it, with
// the same protocol and the same details in verbose answers. TestCRIO queries the
// real one.
func TestPods(t *testing.T) {
	r := containertest.Containerd(t)
	pod := containertest.StartPod(t, r, web())
	for _, name := range []string{container.Containerd, container.CRIO} {
		t.Run(name, func(t *testing.T) { testPod(t, name, r, pod) })
	}
}

// TestCRIO queries CRI-O, where one was built.
func TestCRIO(t *testing.T) {
	r := containertest.CRIO(t)
	t.Run("pod", func(t *testing.T) { testPod(t, container.CRIO, r, containertest.StartPod(t, r, web())) })
	t.Run("restart", func(t *testing.T) { testRestart(t, container.CRIO, r) })
}

// testPod compares what is reported of web's container with what is true.
func testPod(t *testing.T, name string, r containertest.Runtime, pod containertest.Pod) {
	c := open(t, flagsFor(name, r.Socket()))
	all := list(t, c)
	if len(all) != 1 {
		t.Fatalf("listed %+v, not the one container that is not a sandbox", all)
	}
	got := all[0]
	want := container.Container{
		Runtime: container.Runtime{
			Name: name, ID: pod.Container, Container: "server", ImageName: containertest.ImageName,
			ImageID: r.ImageID(), ImageDigest: got.Runtime.ImageDigest, StartedAt: got.Runtime.StartedAt,
		},
		K8s: container.K8s{
			Namespace: "shop", PodName: "web-5d4f-x7x2p", Container: "server", PodUID: "uid-of-web-5d4f-x7x2p",
			PodLabels: web().Labels, Owner: &container.Owner{Kind: "Deployment", Name: "web"},
		},
		SandboxID: pod.Sandbox,
		PID:       got.PID, MountNS: got.MountNS, NetNS: got.NetNS, HostNetwork: true,
		CgroupPath: got.CgroupPath, CgroupID: got.CgroupID, CgroupV1: got.CgroupV1, CgroupV2: got.CgroupV2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	holdAgainstProc(t, got)
	testPodWatch(t, c, r)
}

// TestPodsWithoutEvents follows a runtime that ends the stream of events at once,
// as CRI-O does unless configured otherwise.
func TestPodsWithoutEvents(t *testing.T) {
	r := containertest.Containerd(t)
	containertest.StartPod(t, r, web())
	c := open(t, flagsFor(container.CRIO, containertest.WithoutEvents(t, r)))
	testPodWatch(t, c, r)
}

// TestOtherProc has the runtime, but not its processes, as a container without
// the host's PIDs does.
func TestOtherProc(t *testing.T) {
	r := containertest.Containerd(t)
	r.Start(t, containertest.Spec{Name: "rest"})
	flags := flagsFor(container.Containerd, "/s")
	flags.HostRoot = t.TempDir()
	if err := os.Symlink(r.Socket(), flags.HostRoot+"/s"); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	c, err := container.Open(flags, func(text string) { warnings = append(warnings, text) })
	if err != nil {
		t.Fatal(err)
	}
	if all := list(t, c); len(all) != 0 {
		t.Errorf("listed %+v", all)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "set HOST_ROOT") {
		t.Errorf("warnings: %q", warnings)
	}
}

func testPodWatch(t *testing.T, c *container.Collection, r containertest.Runtime) {
	seen := watch(t, c)
	seen.wait(t, "CREATED server, LISTED")
	next := containertest.StartPod(t, r, containertest.PodSpec{
		Namespace: "shop", Name: "db-0", Container: "store",
		Labels: map[string]string{"statefulset.kubernetes.io/pod-name": "db-0"},
	})
	seen.wait(t, "CREATED server, LISTED, CREATED store")
	if owner := seen.events[2].Container.K8s.Owner; owner == nil ||
		*owner != (container.Owner{Kind: "StatefulSet", Name: "db"}) {
		t.Errorf("owner %+v", owner)
	}
	containertest.StopContainer(t, r, next.Container)
	seen.wait(t, "CREATED server, LISTED, CREATED store, DELETED store")
}
