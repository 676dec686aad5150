package policy

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	web  = Pod{"shop", "web-5d4f-a", "web", "app=web,pod-template-hash=5d4f"}
	twin = Pod{"shop", "web-5d4f-b", "web", "pod-template-hash=5d4f,app=web"}
	db   = Pod{"data", "db-0", "db", "app=db"}
	bare = Pod{"shop", "bare", "", ""}
)

func out(p Pod, local, remote string, port uint16) Connection {
	return Connection{p, netip.MustParseAddr(local), netip.MustParseAddr(remote), port, "TCP", true}
}

func in(p Pod, local, remote string, port uint16) Connection {
	c := out(p, local, remote, port)
	c.Egress = false
	return c
}

// to is an address with ports of TCP.
func to(address string, ports ...uint16) Peer {
	return withPorts(Selector{Address: netip.MustParseAddr(address)}, ports)
}

// pods are those with labels, with ports of TCP.
func pods(namespace, labels string, ports ...uint16) Peer {
	return withPorts(Selector{Namespace: namespace, Labels: labels}, ports)
}

func withPorts(s Selector, ports []uint16) Peer {
	p := Peer{Selector: s}
	for _, n := range ports {
		p.Ports = append(p.Ports, Port{n, "TCP"})
	}
	return p
}

func TestPolicies(t *testing.T) {
	const a, b, c, world = "10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.1"
	other := web
	other.Labels = "app=web,version=2"
	for _, tc := range []struct {
		name string
		in   []Connection
		want []Policy
	}{
		{"none", nil, nil},
		{
			"twins are one, ports in order",
			[]Connection{out(web, a, world, 443), out(twin, b, world, 80), out(web, a, world, 443)},
			[]Policy{{"shop", "web-network", "app=web", nil, []Peer{to(world, 80, 443)}}},
		},
		{
			"pods of this node by their labels",
			[]Connection{out(web, a, c, 5432), in(db, c, a, 5432), out(web, a, b, 80), in(twin, b, a, 80)},
			[]Policy{
				{"data", "db-network", "app=db", []Peer{pods("shop", "app=web", 5432)}, nil},
				{
					"shop", "web-network", "app=web",
					[]Peer{pods("", "app=web", 80)},
					[]Peer{pods("", "app=web", 80), pods("data", "app=db", 5432)},
				},
			},
		},
		{
			"a pod without labels by its address",
			[]Connection{out(web, a, b, 80), in(bare, b, a, 80)},
			[]Policy{
				{"shop", "bare-network", "", []Peer{pods("", "app=web", 80)}, nil},
				{"shop", "web-network", "app=web", nil, []Peer{to(b, 80)}},
			},
		},
		{
			"an address that two pods had",
			[]Connection{in(db, c, world, 80), in(other, c, world, 80), out(bare, a, c, 1)},
			[]Policy{
				{"data", "db-network", "app=db", []Peer{to(world, 80)}, nil},
				{"shop", "bare-network", "", nil, []Peer{to(c, 1)}},
				{"shop", "web-network", "app=web,version=2", []Peer{to(world, 80)}, nil},
			},
		},
		{
			"names that are taken",
			[]Connection{out(web, a, world, 1), out(other, b, world, 2)},
			[]Policy{
				{"shop", "web-network", "app=web", nil, []Peer{to(world, 1)}},
				{"shop", "web-network-2", "app=web,version=2", nil, []Peer{to(world, 2)}},
			},
		},
		{
			"nobody in particular",
			[]Connection{
				out(web, a, "127.0.0.1", 1), out(web, a, a, 1), out(web, a, "224.0.0.251", 1), out(web, a, "255.255.255.255", 1),
				out(web, a, "ff02::fb", 1), out(web, a, "0.0.0.0", 1),
			},
			[]Policy{{"shop", "web-network", "app=web", nil, nil}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := NewAdvisor()
			for _, c := range tc.in {
				a.Add(c)
			}
			if got := a.Policies(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	a := NewAdvisor()
	for n := range maxRules + 10 {
		remote := netip.AddrFrom4([4]byte{192, byte(n >> 16), byte(n >> 8), byte(n)})
		a.Add(Connection{web, netip.MustParseAddr("10.0.0.1"), remote, 1, "TCP", true})
	}
	if a.Dropped() != 10 {
		t.Errorf("%d connections found no room, want 10", a.Dropped())
	}
}

func TestNoLabels(t *testing.T) {
	p := Policy{Namespace: "n", Name: "x"}
	for format, text := range map[string]string{"k8s": p.Kubernetes(), "cilium": p.Cilium()} {
		if !strings.HasPrefix(text, "# The pod has no labels") || !strings.Contains(text, "elector: {}\n") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// FuzzScalar: a text is quoted, or nothing that YAML takes for something else.
func FuzzScalar(f *testing.F) {
	for _, text := range []string{
		"web", "true", "No", "1", "0x1f", "1e3", "a b", "a: b", "#", "~", "-", "",
		"\x1b\xff\"\\\n", "null", "é", ".inf", "y", "a/b",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := scalar(text)
		if got != text {
			strange := strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' })
			if back, err := strconv.Unquote(got); err != nil || back != text || strange {
				t.Fatalf("%q is written as %s", text, got)
			}
			return
		}
		words := []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") != "" ||
			strings.ContainsAny(text[:1], "0123456789._/-") || slices.Contains(words, strings.ToLower(text)) {
			t.Fatalf("%q is not quoted", text)
		}
	})
}
