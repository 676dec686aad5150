package field

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// objectSource prepares the first data source of an object of the fixtures.
func objectSource(t testing.TB, object string, env Env) *Source {
	t.Helper()
	return New(objectSources(t, object)[0], env)
}

func objectSources(t testing.TB, object string) []*gadgetapi.Source {
	t.Helper()
	spec, err := gadgetapi.Read(gadgettest.File(t, object), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := spec.Sources(gadgetapi.Metadata{}, gadgetapi.DescribeOptions{NoContainers: true})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// put writes the bytes of the field that users call name.
func put(t testing.TB, src *Source, sample []byte, name string, v any) {
	t.Helper()
	data, err := binary.Append(nil, binary.NativeEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	copy(sample[lookup(t, src, name).Offset:], data)
}

// TestEndpoints shows the endpoints of an object: the column in one piece, its parts
// for JSON.
func TestEndpoints(t *testing.T) {
	src := objectSource(t, "types.bpf.o", Env{})
	v4, v6 := []byte{192, 0, 2, 1}, []byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	mapped := []byte{10: 0xff, 0xff, 192, 0, 2, 1}
	for _, tc := range []struct {
		name        string
		addr        []byte
		version     uint8
		port, proto uint16
		l4, l3      string
		text        string
	}{
		{"IPv4", v4, 4, 443, 6, "192.0.2.1:443", "192.0.2.1", "TCP"},
		{"IPv6", v6, 6, 53, 17, "[2001:db8::1]:53", "2001:db8::1", "UDP"},
		{"IPv4 in IPv6", mapped, 6, 1, 58, "[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", "IPv6-ICMP"},
		{"greatest port", v4, 4, 65535, 136, "192.0.2.1:65535", "192.0.2.1", "UDPLite"},
		{"nothing", nil, 0, 0, 0, "0.0.0.0:0", "0.0.0.0", "HOPOPT"},
		{"protocol without a name", v4, 4, 0, 254, "192.0.2.1:0", "192.0.2.1", "proto#254"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sample := make([]byte, src.Size)
			for _, name := range []string{"src", "gateway"} {
				put(t, src, sample, name, tc.addr)
				put(t, src, sample, name+".version", tc.version)
			}
			put(t, src, sample, "src.port", tc.port)
			put(t, src, sample, "src.proto_raw", tc.proto)
			for name, want := range map[string]string{
				"src.addr": tc.l3, "gateway.addr": tc.l3, "src.proto": tc.text, "src.port": fmt.Sprint(tc.port),
				"src.version": fmt.Sprint(tc.version),
			} {
				if got := text(t, src, name, sample); got != want {
					t.Errorf("%s is shown as %q, want %q", name, got, want)
				}
			}
			for name, want := range map[string]string{"src": tc.l4, "gateway": tc.l3} {
				if got := string(lookup(t, src, name).Column()(nil, sample)); got != want {
					t.Errorf("the column %s shows %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestFilterEndpoints compares the endpoint as its column shows it.
func TestFilterEndpoints(t *testing.T) {
	src := objectSource(t, "types.bpf.o", Env{})
	sample := make([]byte, src.Size)
	put(t, src, sample, "src", []byte{192, 0, 2, 1})
	put(t, src, sample, "src.version", uint8(4))
	put(t, src, sample, "src.port", uint16(443))
	for expr, want := range map[string]bool{
		"src==192.0.2.1:443": true, "src==192.0.2.1": false, "src.addr==192.0.2.1": true, `src~^192\.0\.2\.`: true,
		"src!~:443$": false, "src.port>=443,src.version==4": true,
	} {
		match, err := Filter(src, []string{expr})
		if err != nil || match(sample) != want {
			t.Errorf("filter %s: %v, want %t", expr, err, want)
		}
	}
}

// TestEndpointsOfOtherLayouts shows the members of a struct that is called like an
// endpoint but does not specify the version of its address.
func TestEndpointsOfOtherLayouts(t *testing.T) {
	addr := typedef(gadgetapi.TypeIPAddr, &btf.Union{Size: 16, Members: []btf.Member{member("v4", 0, u32)}})
	own := pack(gadgetapi.TypeL4, 24, member("addr_raw", 0, addr), member("port", 16, u32))
	src := build(t, pack("event", 24, member("src", 0, own)), Options{})
	sample := make([]byte, 24)
	sample[0], sample[16] = 9, 80
	if got := text(t, src, "src.addr_raw.v4", sample); got != "9" {
		t.Errorf("the address is shown as %s, want 9", got)
	}
	if got := text(t, src, "src.port", sample); got != "80" {
		t.Errorf("the port is shown as %s, want 80", got)
	}
	if src.Lookup("src").Column() != nil {
		t.Error("there is a column for an endpoint whose text is not known")
	}
}
