package field

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContainerFields(t *testing.T) {
	typ := pack("event", 24,
		member("mntns_id", 0, typedef("gadget_mntns_id", u64)),
		member("netns_id", 8, typedef("gadget_netns_id", u32)),
		member("pid", 12, u32),
	)
	c := &Container{
		Runtime: "podman", Name: "web", ID: "abc", PID: 7, ImageName: "busybox", StartedAt: 9,
		Namespace: "ns", Pod: "pod", HostNetwork: true, OwnerKind: "ReplicaSet",
	}
	build := func(show bool) *Source {
		t.Helper()
		src, err := Build(typ, Options{
			Name:   "x",
			Fields: map[string]map[string]string{"k8s.podName": {AnnotationHidden: "false"}},
			Env: Env{Containers: &Containers{Node: "n1", Show: show, Finder: func() func(mount, net uint64) *Container {
				return func(mount, net uint64) *Container {
					if mount == 5 && net == 6 {
						return c
					}
					return nil
				}
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	src := build(true)
	want := []string{
		"k8s hidden", "k8s.node hidden", "k8s.namespace hidden", "k8s.podName", "k8s.containerName hidden",
		"k8s.hostnetwork hidden", "k8s.podLabels hidden", "k8s.owner hidden", "k8s.owner.kind hidden",
		"k8s.owner.name hidden",
		"runtime hidden", "runtime.containerName", "runtime.runtimeName hidden", "runtime.containerId hidden",
		"runtime.containerPid hidden", "runtime.containerImageName hidden", "runtime.containerImageDigest hidden",
		"runtime.containerStartedAt hidden", "mntns_id hidden", "netns_id hidden", "pid",
	}
	if diff := cmp.Diff(want, names(src.All())); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if build(false).Lookup("runtime.containerName").Hidden() != true {
		t.Error("the column of the container is shown where it should not be")
	}
	inside, outside := make([]byte, 24), make([]byte, 24)
	binary.NativeEndian.PutUint64(inside, 5)
	binary.NativeEndian.PutUint32(inside[8:], 6)
	for name, texts := range map[string][2]string{
		"k8s.node": {"n1", "n1"}, "k8s.podName": {"pod", ""}, "k8s.hostnetwork": {"true", "false"},
		"k8s.owner.kind": {"ReplicaSet", ""}, "runtime.containerName": {"web", ""}, "runtime.containerPid": {"7", "0"},
		"runtime.containerStartedAt": {"9", "0"},
	} {
		f := src.Lookup(name)
		got := [2]string{string(f.Append(nil, inside)), string(f.Append(nil, outside))}
		if got != texts {
			t.Errorf("%s: got %q, want %q", name, got, texts)
		}
	}
	match, err := Filter(src, []string{"runtime.containername==web,runtime.containerpid>6,k8s.hostnetwork==true"})
	if err != nil {
		t.Fatal(err)
	}
	if !match(inside) || match(outside) {
		t.Error("a filter by container lets the wrong events pass")
	}
}

func TestNoContainerFields(t *testing.T) {
	find := &Containers{}
	for name, tc := range map[string]struct {
		env  Env
		want []string
	}{
		"without namespace": {Env{Containers: find}, []string{"pid"}},
		"without runtimes":  {Env{}, []string{"pid"}},
	} {
		src, err := Build(pack("event", 4, member("pid", 0, u32)), Options{Name: "x", Env: tc.env})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, names(src.All())); diff != "" || src.NamesContainer() {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	own := pack("event", 16, member("mntns_id", 0, typedef("gadget_mntns_id", u64)), member("runtime", 8, u32))
	src, err := Build(own, Options{Name: "x", Env: Env{Containers: find}})
	if err != nil {
		t.Fatal(err)
	}
	if f := src.Lookup("runtime"); f == nil || f.Kind != Uint || src.Lookup("runtime.containerName") != nil {
		t.Error("the gadget's own field runtime was replaced")
	}
}
