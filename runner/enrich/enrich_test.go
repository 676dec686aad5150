package enrich

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// selector returns what the flag -c chooses.
func selector(t testing.TB, names string) container.Selector {
	t.Helper()
	f := container.SelectorFlags{ContainerName: names}
	s, err := f.Selector()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func named(name string, pid uint32, mount, net uint64) container.Container {
	return container.Container{
		Runtime: container.Runtime{Name: container.Podman, ID: "id-" + name, Container: name},
		PID:     pid, MountNS: mount, NetNS: net,
	}
}

func inPod(name, pod string, pid uint32, mount, net uint64) container.Container {
	c := named(name, pid, mount, net)
	c.K8s = container.K8s{
		Namespace: "ns", PodName: pod, Container: name, PodLabels: map[string]string{"b": "2", "a": "1"},
		Owner: &container.Owner{Kind: "ReplicaSet", Name: "rs"},
	}
	return c
}

// kernel records what is allowed.
type kernel struct {
	mu      sync.Mutex
	allowed []uint64
}

func (k *kernel) AllowMountNS(ns uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.allowed, ns) {
		k.allowed = append(k.allowed, ns)
	}
	slices.Sort(k.allowed)
	return nil
}

func (k *kernel) ForbidMountNS(ns uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.allowed = slices.DeleteFunc(k.allowed, func(n uint64) bool { return n == ns })
	return nil
}

func (k *kernel) want(t *testing.T, when string, ns ...uint64) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if diff := cmp.Diff(ns, append([]uint64(nil), k.allowed...)); diff != "" {
		t.Errorf("%s: the kernel lets other namespaces pass (-want +got):\n%s", when, diff)
	}
}

func newTracker(t testing.TB, names string) *Tracker {
	return New(selector(t, names), func(err error) { t.Error(err) })
}

func TestFind(t *testing.T) {
	tr := newTracker(t, "")
	host := named("host", 9, 50, 1)
	host.HostNetwork = true
	for _, c := range []container.Container{
		named("alone", 1, 10, 11), inPod("a", "pod", 2, 20, 21), inPod("b", "pod", 3, 22, 21),
		named("x", 4, 30, 31), named("y", 5, 32, 31), host,
	} {
		tr.event(container.Event{Type: container.Added, Container: c})
	}
	find := tr.Finder()
	pod := &field.Container{
		Runtime: "podman", Namespace: "ns", Pod: "pod", PodLabels: "a=1,b=2", OwnerKind: "ReplicaSet", OwnerName: "rs",
	}
	both := *pod
	both.Name, both.ID, both.PID, both.PodContainer = "a", "id-a", 2, "a"
	alone := &field.Container{Runtime: "podman", Name: "alone", ID: "id-alone", PID: 1}
	for _, tc := range []struct {
		name       string
		mount, net uint64
		want       *field.Container
	}{
		{"by mount namespace", 10, 0, alone},
		{"by network namespace", 0, 11, alone},
		{"a container of a pod", 20, 21, &both},
		{"the network of a pod", 0, 21, pod},
		{"unknown mount namespace in the network of a pod", 99, 21, pod},
		{"a network that containers without pod share", 0, 31, nil},
		{"the host's network", 0, 1, &field.Container{HostNetwork: true}},
		{"unknown", 98, 99, nil},
		{"no namespace", 0, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tr.Find(tc.mount, tc.net)); diff != "" {
				t.Errorf("container (-want +got):\n%s", diff)
			}
			for range 2 {
				if got := find(tc.mount, tc.net); got != tr.Find(tc.mount, tc.net) {
					t.Errorf("a finder found %v", got)
				}
			}
		})
	}
}

func TestSelection(t *testing.T) {
	tr := newTracker(t, "a,b")
	ev := func(typ container.EventType, c container.Container) {
		tr.event(container.Event{Type: typ, Container: c})
	}
	k := &kernel{}
	a, b, other := named("a", 1, 10, 11), named("b", 2, 20, 11), named("other", 3, 30, 31)
	ev(container.Added, a)
	ev(container.Added, other)
	tr.FilterIn(k)
	k.want(t, "at the start", 10)
	ev(container.Added, b)
	k.want(t, "b started", 10, 20)
	if n := tr.Running(); n != 2 {
		t.Errorf("%d containers run, want 2", n)
	}
	for ns, want := range map[uint64]bool{10: true, 20: true, 30: false, 99: false} {
		if got := tr.Selected(ns, 0); got != want {
			t.Errorf("mount namespace %d: selected %t, want %t", ns, got, want)
		}
	}
	if !tr.Selected(0, 11) || tr.Selected(0, 31) || tr.Selected(0, 0) {
		t.Error("network namespaces: want 11 selected, 31 and none not")
	}
	again := named("a", 7, 40, 41) // restarted
	ev(container.Removed, a)
	ev(container.Added, again)
	k.want(t, "a restarted", 20, 40)
	if c := tr.Find(10, 0); c == nil || c.PID != 1 || !tr.Selected(10, 0) {
		t.Errorf("a late event of the first run: got %v, want that run", c)
	}
	tr.Leave()
	ev(container.Removed, b)
	k.want(t, "after Leave", 20, 40)
}

func TestReusedNamespace(t *testing.T) {
	tr := newTracker(t, "new")
	k := &kernel{}
	tr.FilterIn(k)
	tr.event(container.Event{Type: container.Added, Container: named("old", 1, 10, 11)})
	tr.event(container.Event{Type: container.Removed, Container: named("old", 1, 10, 11)})
	tr.event(container.Event{Type: container.Added, Container: named("new", 2, 10, 11)})
	if c := tr.Find(10, 0); c == nil || c.Name != "new" || !tr.Selected(10, 0) {
		t.Errorf("got %v, want the container that runs", c)
	}
	k.want(t, "used again", 10)
}

// script is a Source that plays events.
type script chan container.Event

func (s script) Watch(ctx context.Context, fn func(container.Event)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-s:
			fn(ev)
		}
	}
}

func TestRunForgets(t *testing.T) {
	tr := newTracker(t, "")
	tr.grace = 50 * time.Millisecond
	src := make(script)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- tr.Run(ctx, src) }()
	src <- container.Event{Type: container.Added, Container: named("a", 1, 10, 11)}
	src <- container.Event{Type: container.Listed}
	<-tr.Listed()
	src <- container.Event{Type: container.Removed, Container: named("a", 1, 10, 11)}
	src <- container.Event{Type: container.Removed, Container: named("a", 1, 10, 11)}
	if tr.Find(10, 0) == nil {
		t.Error("forgotten at once, want known for a while")
	}
	deadline := time.Now().Add(5 * time.Second)
	for tr.Find(10, 0) != nil && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if tr.Find(10, 0) != nil {
		t.Error("still known")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func BenchmarkFind(b *testing.B) {
	for name, n := range map[string]int{"none": 0, "200": 200} {
		b.Run(name, func(b *testing.B) {
			tr := newTracker(b, "")
			for i := range n {
				tr.event(container.Event{Type: container.Added, Container: named(string(rune('a'+i)), uint32(i), uint64(1000+i),
					5)})
			}
			for b.Loop() {
				tr.Find(1100, 0)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	tr := newTracker(t, "a,b")
	event := func(kind container.EventType, c container.Container) {
		tr.event(container.Event{Type: kind, Container: c})
	}
	a, b, other := named("a", 1, 10, 20), named("b", 2, 11, 21), named("other", 3, 12, 22)
	event(container.Added, a)
	event(container.Added, other)
	var got []string
	tr.Follow(func(c *container.Container, runs bool) {
		mark := "-"
		if runs {
			mark = "+"
		}
		got = append(got, mark+c.Runtime.Container)
	})
	event(container.Added, b)
	event(container.Removed, a)
	event(container.Removed, other)
	tr.Leave()
	event(container.Removed, b)
	if diff := cmp.Diff([]string{"+a", "+b", "-a"}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
