package packetfilter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

var update = flag.Bool("update", false, "run tcpdump to write testdata/matches")

// expressions are filters that libpcap takes as well.
var expressions = []string{
	"ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "sctp", "igmp", "esp", "not ip", "!tcp", "ip or ip6",
	"ip && tcp",
	"tcp or udp and port 53", "(tcp or udp) and port 53", "tcp or (udp and port 53)", "not (tcp or udp)",
	"not tcp and not udp",
	"port 80", "tcp port 80", "src port 80", "dst port 80", "tcp dst port 80", "port 80 or 443",
	"tcp port 80 or 443 and host 10.1.2.3",
	"port domain", "tcp port http or https", "portrange 6000-6008", "tcp portrange 50-100", "src portrange 1-100",
	"sctp dst port 80",
	"udp src or dst port 53", "src and dst port 80", "host 10.1.2.3", "src host 10.1.2.3", "dst 192.168.7.9",
	"src 10.1.2.3 and dst 192.168.7.9",
	"ip host 10.1.2.3", "arp host 10.1.2.3", "rarp host 10.1.2.3", "host 10.1.2.3 or 8.8.8.8", "host 2001:db8::1",
	"src host fe80::2",
	"dst host fe80::2 or 10.1.2.3", "net 10.0.0.0/8", "net 10", "net 192.168", "net 192.168.7", "src net 10.1.2.0/24",
	"dst net 224.0.0.0/4",
	"net 192.168.7.0 mask 255.255.255.0", "net 0.0.0.0/0", "ip6 net 2001:db8::/32", "net fe80::/10", "ip6 net ::/0",
	"dst net 10.1.2.4/30",
	"ether host 02:00:00:00:00:0a", "ether src 02:00:00:00:00:0a", "ether dst ff:ff:ff:ff:ff:ff", "broadcast", "multicast",
	"ether broadcast",
	"ip multicast", "ip6 multicast", "ether multicast", "ip proto 6", `ip proto \tcp`, "ip6 proto 6", "ip6 proto 44",
	"proto 17", `proto \udp`,
	`ether proto \ip`, "ether proto 0x88b5", "ether proto 0x806", "less 60", "greater 100", "len > 60", "len = 54",
	"len != 54", "len <= 60",
	"tcp[13] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-syn", "tcp[13] = 0x12",
	"tcp[2:2] = 80",
	"tcp[0:2] > 1024 and tcp[2:2] < 1024", "ip[0] & 0xf != 5", "ip[6:2] & 0x1fff = 0", "ip[8] < 65", "ip[9] == 17",
	"ip[16:4] = 0xc0a80709",
	"icmp[icmptype] == icmp-echo", "icmp[icmptype] != icmp-echo", "icmp[0] == 3 and icmp[icmpcode] == 1",
	"icmp6[icmp6type] == icmp6-echo",
	"icmp6[0] = 135", "udp[4:2] > 8", "ether[0] & 1 = 1", "ether[6:4] = 0x02000000", "arp[6:2] = 2", "ip6[6] = 58",
	"ip6[40] = 128",
	"ip[2:2] - 20 > 20", "(ip[0] & 0xf) * 4 + 14 = 38", "ip[0] >> 4 == 4", "len / 2 > 30", "len % 2 == 1",
	"ip[8] << 1 = 128",
	"1 << 31 = 0x80000000", "len - 100 > 1000000", "-1 = 0xffffffff", "(ip[0] & 15) ^ 5 == 0", "6 = ip[9]",
	"tcp[200] = 0 or ip", "not tcp[200] = 0",
	"len / (len - 54) > 0 or len > 0", "ip[len - 15] = 0", "vlan", "vlan 100", "vlan 200 and arp", "vlan and tcp port 80",
	"not vlan",
	"vlan 100 and host 10.1.2.3", "vlan and ip[8] = 64", "ip6 and tcp port 443", "ip6[6] = 44",
	"tcp port 80 and not host 8.8.8.8", "((port 80))", "port 80 or (443)", "tcp[((tcp[12] & 0xf0) >> 2) : 1] = 0 or tcp",
	"ah or pim or vrrp",
	"not port 80 or 443", "icmp or icmp6 or arp", "ip and not (src net 10.1.2.0/24 or dst port 53)",
}

// matches returns which packets match, a digit each.
func matches(matched func(i int, p packet) bool) string {
	var out strings.Builder
	for i, p := range packets() {
		if matched(i, p) {
			out.WriteByte('1')
		} else {
			out.WriteByte('0')
		}
	}
	return out.String()
}

// TestAsTcpdump runs each expression on each packet in the kernel, and compares
// with what tcpdump 4.99 says without its optimizer, which leaves out reads.
func TestAsTcpdump(t *testing.T) {
	golden := filepath.Join("testdata", "matches")
	if *update {
		writeMatches(t, golden)
	}
	if err := features.HaveProgramType(ebpf.SchedCLS); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root/CAP_BPF to load eBPF programs")
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != len(expressions) {
		t.Fatalf("%s has %d lines for %d expressions, run with -update", golden, len(lines), len(expressions))
	}
	for i, expr := range expressions {
		want, _, _ := strings.Cut(lines[i], " ")
		if lines[i] != want+" "+expr {
			t.Fatalf("line %d of %s is not about %q, run with -update", i+1, golden, expr)
		}
		prog := compile(t, expr)
		got := matches(func(_ int, p packet) bool { return run(t, prog, p) })
		prog.Close()
		for k, p := range packets() {
			if got[k] != want[k] {
				t.Errorf("%q on packet %q: matches %c, want %c", expr, p.name, got[k], want[k])
			}
		}
	}
}

func compile(t *testing.T, expr string) *ebpf.Program {
	t.Helper()
	f, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	body, err := f.Body(ebpf.SchedCLS, "f.")
	if err != nil {
		t.Fatal(err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, Instructions: body, License: "GPL"})
	if err != nil {
		t.Fatalf("%q: %+v", expr, err)
	}
	return prog
}

func run(t *testing.T, prog *ebpf.Program, p packet) bool {
	t.Helper()
	ret, _, err := prog.Test(p.data)
	if err != nil {
		t.Fatalf("packet %q: %v", p.name, err)
	}
	return ret == 1
}

// writeMatches records what tcpdump matches.
func writeMatches(t *testing.T, golden string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "packets.pcap")
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = le.AppendUint32(le.AppendUint32(out, 65535), 1)
	for i, p := range packets() {
		out = le.AppendUint32(le.AppendUint32(out, uint32(i)), 0)
		out = append(le.AppendUint32(le.AppendUint32(out, uint32(len(p.data))), uint32(len(p.data))), p.data...)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, expr := range expressions {
		got, err := exec.Command("tcpdump", "-O", "-Z", "root", "-r", file, "-w", "-", "--", expr).Output()
		if err != nil {
			var exit *exec.ExitError
			_ = errors.As(err, &exit)
			t.Fatalf("%q: %v: %+v", expr, err, exit)
		}
		seen := map[int]bool{}
		for rest := got[24:]; len(rest) >= 16; rest = rest[16+le.Uint32(rest[8:]):] {
			seen[int(le.Uint32(rest))] = true
		}
		fmt.Fprintf(&text, "%s %s\n", matches(func(i int, _ packet) bool { return seen[i] }), expr)
	}
	if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRefused holds the sentences for what is not a filter.
func TestRefused(t *testing.T) {
	for expr, want := range map[string]string{
		"prot 80":                        `"prot" has no meaning here, did you mean "port"?`,
		"port":                           `"port" has nothing after it`,
		"port 99999":                     `"99999" is not a port`,
		"tcp port 80 and":                "its end is missing",
		"(tcp":                           `")" is missing`,
		"tcp)":                           `")" is not expected after "tcp"`,
		"host example.com":               "names are not resolved",
		"net 10.1.2.3/8":                 "use 10.0.0.0/8",
		"net 10/33":                      "is not a network",
		"ether host 10.1.2.3":            "is not an address of Ethernet",
		"icmp port 80":                   `"icmp" has no ports`,
		"arp host 2001:db8::1":           `"arp" has no address like 2001:db8::1`,
		"tcp[13":                         `"]" is missing`,
		"tcp[0:3] = 1":                   "use 1, 2 or 4",
		"len":                            "it is a number, not a condition",
		"len + tcp = 1":                  "a number is missing",
		"not len":                        `"not" is followed by a number`,
		"len and tcp":                    `"and" is combined with a number`,
		"len / 0 = 1":                    "it divides by zero",
		"inbound":                        "cannot be decided from a packet alone",
		"ip broadcast":                   `"broadcast" does not go with "ip"`,
		"vlan 5000":                      "not a number of a VLAN",
		"vlan and vlan":                  "filters support one tag",
		"tcp @ 3":                        `"@" is not part of the language`,
		"portrange 80":                   "is not a range of ports",
		"net 10.0.0.0 mask 255.0.1":      "is not a mask",
		"ether[0:2] = 1 = 2":             `"=" is not expected`,
		strings.Repeat("(", 100) + "tcp": "nested too deeply",
		strings.Repeat("a", 5000):        "longer than 4096",
		"1 + " + strings.Repeat("(1 + ", 40) + "len" + strings.Repeat(")", 40) + " = 1": "nested too deeply",
	} {
		f, err := Parse(expr)
		if err == nil {
			_, err = f.Body(ebpf.SchedCLS, "")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", expr, err, want)
		}
	}
	f, err := Parse("tcp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Body(ebpf.Kprobe, ""); err == nil ||
		!strings.Contains(err.Error(), "is for tc, socket filters and XDP") {
		t.Errorf("in a kprobe: %v", err)
	}
}

// FuzzParse compiles all that is accepted.
func FuzzParse(f *testing.F) {
	for _, expr := range expressions {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		filter, err := Parse(expr)
		if err != nil {
			return
		}
		body, err := filter.Body(ebpf.SchedCLS, "f.")
		if err != nil {
			return
		}
		if err := asm.Instructions(body).Marshal(&bytes.Buffer{}, binary.LittleEndian); err != nil {
			t.Errorf("%q: %v", expr, err)
		}
	})
}
