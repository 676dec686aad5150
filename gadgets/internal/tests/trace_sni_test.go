package tests

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// sniEvent is one event of data source sni.
type sniEvent struct {
	Proc live.Process `json:"proc"`
	Src  endpoint     `json:"src"`
	Dst  endpoint     `json:"dst"`
	Name string       `json:"name"`
}

// counted is a text after its length.
func counted(size int, parts ...string) string {
	text := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))[4-size:]) + text
}

// records is a message of TLS in records of at most size bytes.
func records(message string, size int) string {
	var out strings.Builder
	for len(message) > 0 {
		n := min(size, len(message))
		out.WriteString("\x16\x03\x01" + counted(2, message[:n]))
		message = message[n:]
	}
	return out.String()
}

// helloWith is the message of a client with these extensions.
func helloWith(extensions ...string) string {
	return "\x01" + counted(3, "\x03\x03", strings.Repeat("r", 32), counted(1, strings.Repeat("s", 32)),
		counted(2, "\x13\x01\x13\x02"),
		counted(1, "\x00"), counted(2, extensions...))
}

func serverName(name string) string {
	return "\x00\x00" + counted(2, counted(2, "\x00", counted(2, name)))
}

// padding is an extension of so many bytes.
func padding(n int) string { return "\x00\x15" + counted(2, strings.Repeat("p", n)) }

// hello is what a client sends: several texts are several segments.
type hello struct {
	title    string
	segments []string
	names    []string // what is seen of it
}

// cut cuts a text at offsets.
func cut(text string, at ...int) []string {
	var out []string
	from := 0
	for _, to := range append(at, len(text)) {
		out = append(out, text[from:to])
		from = to
	}
	return out
}

func hellos() []hello {
	small := records(helloWith(padding(10), serverName("small.example")), 1<<14)
	large := records(helloWith(padding(1800), serverName("large.example"), padding(100)), 1<<14)
	fragments := records(helloWith(padding(300), serverName("records.example")), 100)
	late := records(helloWith(padding(4200), serverName("late.example")), 1<<14)
	before := records(helloWith(serverName("before.example"), padding(4200)), 1<<14)
	long := strings.Repeat("x", 300)
	return []hello{
		{"whole", []string{small}, []string{"small.example"}},
		{"two segments", cut(large, 1400), []string{"large.example"}},
		{"cut within the name", cut(small, strings.Index(small, ".example")), []string{"small.example"}},
		{"cut after the type", cut(small, 6), []string{"small.example"}},
		{"many segments", cut(small, 6, 7, 8, 20, 50, 60, 90, 100), []string{"small.example"}},
		{"several records", []string{fragments}, []string{"records.example"}},
		{"several records and segments", cut(fragments, 50, 103, 104, 250), []string{"records.example"}},
		{"longer than what is looked at, before it", cut(before, 3000), []string{"before.example"}},
		{"beyond what is looked at", cut(late, 3000), nil},
		{"without a name", []string{records(helloWith(padding(10)), 1<<14)}, nil},
		{"an empty name", []string{records(helloWith(serverName("")), 1<<14)}, nil},
		{"a name with escape sequences", []string{records(helloWith(serverName("\x1b[2J")), 1<<14)}, []string{"\x1b[2J"}},
		{"a long name", []string{records(helloWith(serverName(long)), 1<<14)}, []string{long[:255]}},
		{"a name longer than its extension", []string{records(helloWith("\x00\x00"+counted(2, "\x00\x20\x00\x00\x1dshort"),
			padding(9)), 1<<14)}, nil},
		{"an extension longer than the hello", []string{records(helloWith("\x00\x15\xff\xff"), 1<<14)}, nil},
		{"a hello of a server", []string{records("\x02"+helloWith(serverName("server.example"))[1:], 1<<14)}, nil},
		{"not of TLS", []string{"GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n"}, nil},
	}
}

// sendSegments sends each segment once the one before has arrived.
func sendSegments(t *testing.T, client, server net.Conn, segments []string) {
	t.Helper()
	for _, s := range segments {
		if _, err := client.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		for in, left := make([]byte, 1<<14), len(s); left > 0; {
			n, err := server.Read(in)
			if err != nil {
				t.Fatal(err)
			}
			left -= n
		}
	}
}

// greet sends all hellos, and one of Go's own, over connections to an address.
func greet(t *testing.T, address string) map[ends][]string {
	t.Helper()
	want := map[ends][]string{}
	for _, h := range hellos() {
		client, server := dnsPairTCP(t, address)
		sendSegments(t, client, server, h.segments)
		e := ends{at(client.LocalAddr(), "TCP"), at(client.RemoteAddr(), "TCP")}
		want[e] = nil
		for _, name := range h.names {
			want[e] = []string{name, name} // goes out, comes in
		}
	}
	client, server := dnsPairTCP(t, address)
	_ = client.SetDeadline(time.Now().Add(200 * time.Millisecond))
	_ = tls.Client(client, &tls.Config{ServerName: "real.example"}).Handshake()
	_, _ = server.Read(make([]byte, 1))
	want[ends{at(client.LocalAddr(), "TCP"), at(client.RemoteAddr(), "TCP")}] = []string{"real.example", "real.example"}
	return want
}

func TestTraceSNI(t *testing.T) {
	cases := []struct {
		name    string
		address string
		args    []string
		seen    bool
	}{
		{"IPv4", "127.0.0.1:4433", nil, true},
		{"IPv6", "[::1]:4433", nil, true},
		{"comm", "127.0.0.1:4433", []string{"--comm", live.Comm(t)}, live.KnowsOwners()},
		{"another process", "127.0.0.1:4433", []string{"--pid", "1"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want map[ends][]string
			events := live.Observe[sniEvent](t, "trace_sni", c.args, func() { want = greet(t, c.address) })
			got := map[ends][]string{}
			for e := range want {
				got[e] = nil
				if !c.seen {
					want[e] = nil
				}
			}
			for _, e := range events {
				pair := ends{e.Src, e.Dst}
				if _, ours := want[pair]; ours {
					got[pair] = append(got[pair], e.Name)
					if e.Proc.Own() != live.KnowsOwners() {
						t.Errorf("%q of process %d", e.Name, e.Proc.PID)
					}
				} else if slices.Contains([]string{"127.0.0.1", "::1"}, e.Dst.Addr) && e.Dst.Port == 4433 {
					t.Errorf("an event of no hello: %+v", e)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}
