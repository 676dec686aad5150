package field

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
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

// TestEveryContainerField shows everything that is known of a container, and nothing
// for an event of none.
func TestEveryContainerField(t *testing.T) {
	c := &Container{
		Runtime: "containerd", Name: "web", ID: "abc", PID: 7, ImageName: "docker.io/library/busybox:1",
		ImageDigest: "sha256:12", StartedAt: 1_700_000_000_000_000_000, Namespace: "shop", Pod: "web-0",
		PodContainer: "main", PodLabels: "app=web,tier=front", HostNetwork: true, OwnerKind: "StatefulSet", OwnerName: "web",
	}
	src := build(t, pack("event", 8, member("mntns_id", 0, typedef("gadget_mntns_id", u64))), Options{
		Env: Env{Containers: &Containers{Node: "n1", Finder: finder(5, 0, c)}},
	})
	inside, outside := []byte{5, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 8)
	for name, want := range map[string][2]string{
		"k8s.node": {"n1", "n1"}, "k8s.namespace": {"shop", ""}, "k8s.podName": {"web-0", ""},
		"k8s.containerName": {"main", ""}, "k8s.podLabels": {"app=web,tier=front", ""}, "k8s.hostnetwork": {"true", "false"},
		"k8s.owner.kind": {"StatefulSet", ""}, "k8s.owner.name": {"web", ""}, "runtime.runtimeName": {"containerd", ""},
		"runtime.containerName": {"web", ""}, "runtime.containerId": {"abc", ""}, "runtime.containerPid": {"7", "0"},
		"runtime.containerImageName": {"docker.io/library/busybox:1", ""}, "runtime.containerImageDigest": {"sha256:12", ""},
		"runtime.containerStartedAt": {"1700000000000000000", "0"},
	} {
		if got := [2]string{text(t, src, name, inside), text(t, src, name, outside)}; got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
	for _, f := range src.Provided("containers") {
		if f.Append == nil {
			t.Errorf("%s has no value", f.FullName)
		}
	}
}

// finder finds one container by its namespaces.
func finder(mountNS, netNS uint64, c *Container) func() func(mount, net uint64) *Container {
	return func() func(mount, net uint64) *Container {
		return func(mount, net uint64) *Container {
			if mount == mountNS && net == netNS {
				return c
			}
			return nil
		}
	}
}

// TestContainerByNamespaces finds the container by what the event has: either
// namespace, or both. 0 means that it lacks one.
func TestContainerByNamespaces(t *testing.T) {
	mount, net := member("m", 0, typedef("gadget_mntns_id", u64)), member("n", 8, typedef("gadget_netns_id", u32))
	sample := []byte{5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}
	for name, tc := range map[string]struct {
		members        []btf.Member
		mountNS, netNS uint64
	}{
		"mount":   {[]btf.Member{mount}, 5, 0},
		"network": {[]btf.Member{net}, 0, 6},
		"both":    {[]btf.Member{net, mount}, 5, 6},
		"the first of several": {[]btf.Member{
			mount, member("other", 8, typedef("gadget_mntns_id", u64)),
		}, 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			src := build(t, pack("event", 16, tc.members...), Options{
				Env: Env{Containers: &Containers{Finder: finder(tc.mountNS, tc.netNS, &Container{Name: "web"})}},
			})
			if got := text(t, src, "runtime.containerName", sample); got != "web" {
				t.Errorf("the container is %q, want web", got)
			}
			if m, n := src.Namespaces(sample); m != tc.mountNS || n != tc.netNS || !src.NamesContainer() {
				t.Errorf("namespaces %d and %d, want %d and %d", m, n, tc.mountNS, tc.netNS)
			}
		})
	}
	plain := build(t, pack("event", 4, member("pid", 0, u32)), Options{})
	if m, n := plain.Namespaces(make([]byte, 4)); m != 0 || n != 0 {
		t.Errorf("an event without namespaces is of %d and %d", m, n)
	}
}

// TestContainersOfNoRuntime has the fields where no runtime is queried: the node, and
// otherwise nothing, for every event the same.
func TestContainersOfNoRuntime(t *testing.T) {
	src := build(t, pack("event", 8, member("mntns_id", 0, typedef("gadget_mntns_id", u64))), Options{
		Env: Env{Containers: &Containers{Node: "n1"}},
	})
	for name, want := range map[string]string{
		"k8s.node": "n1", "runtime.containerName": "", "k8s.hostnetwork": "false", "runtime.containerPid": "0",
	} {
		if got := text(t, src, name, make([]byte, 8)); got != want || !lookup(t, src, name).Constant {
			t.Errorf("%s is shown as %q, want always %q", name, got, want)
		}
	}
}

// TestAdopt adds the fields that a program defines to those of the event: below the
// field that their name begins with, and not in place of one that is there.
func TestAdopt(t *testing.T) {
	inner := pack("proc", 4, member("pid", 0, u32))
	src := build(t, pack("event", 16, member("proc", 0, inner), member("count", 4, u32)), Options{})
	other := &Source{Fields: []*Field{
		{Name: "proc.name", FullName: "proc.name", Kind: String},
		{Name: "count", FullName: "count", Kind: String},
		{Name: "far.away", FullName: "far.away", Kind: Uint},
		{Name: "plain", FullName: "plain", Kind: Uint},
	}, namespaces: func([]byte) (uint64, uint64) { return 5, 6 }}
	src.Adopt(other)
	src.Adopt(nil)
	want := []string{"proc", "proc.pid", "proc.name", "count", "far.away", "plain"}
	if diff := cmp.Diff(want, names(src.All())); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if f := src.Named("proc.name"); f.Name != "name" || f.Parent != src.Named("proc") {
		t.Errorf("the field below proc is called %q, of %v", f.Name, f.Parent)
	}
	if src.Named("count").Kind != Uint {
		t.Error("the event's own field count was replaced")
	}
	if m, n := src.Namespaces(nil); m != 5 || n != 6 {
		t.Errorf("namespaces %d and %d, want those of what was adopted", m, n)
	}
}
