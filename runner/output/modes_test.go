package output

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

var (
	u32 = &btf.Int{Name: "unsigned int", Size: 4}
	u64 = &btf.Int{Name: "unsigned long", Size: 8}
)

func build(tb testing.TB, members []btf.Member, o field.Options) *field.Source {
	tb.Helper()
	last := members[len(members)-1]
	size, err := btf.Sizeof(last.Type)
	if err != nil {
		tb.Fatal(err)
	}
	o.Name = "src"
	src, err := field.Build(&btf.Struct{Name: "event", Size: last.Offset.Bytes() + uint32(size), Members: members}, o)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

// slots is the source of a histogram with one key.
func slots(tb testing.TB) *field.Source {
	slot := &btf.Typedef{Name: "gadget_histogram_slot__u32", Type: u32}
	src := build(tb, []btf.Member{
		{Name: "dev", Type: u32},
		{Name: "latency", Type: &btf.Array{Type: slot, Nelems: 27}, Offset: 32},
	}, field.Options{Fields: map[string]map[string]string{"latency": {"metrics.unit": "µs"}}})
	src.Array = true
	return src
}

func TestHistogram(t *testing.T) {
	src := slots(t)
	s := make([]byte, src.Size)
	binary.NativeEndian.PutUint32(s, 8)
	for slot, n := range map[int]uint32{0: 1, 2: 10, 3: 5} {
		binary.NativeEndian.PutUint32(s[4+4*slot:], n)
	}
	enc, err := New(src, Options{Mode: Columns})
	if err != nil {
		t.Fatal(err)
	}
	bar := func(stars int) string {
		return "|" + strings.Repeat("*", stars) + strings.Repeat(" ", 40-stars) + "|\n"
	}
	want := "DEV = 8\n" +
		"    µs       : count distribution\n" +
		"     0 -> 1  : 1     " + bar(4) +
		"     2 -> 3  : 0     " + bar(0) +
		"     4 -> 7  : 10    " + bar(40) +
		"     8 -> 15 : 5     " + bar(20) + "\n"
	got := string(enc.Array(enc.Header(nil), [][]byte{s}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := string(enc.Array(nil, [][]byte{make([]byte, src.Size)})); got != "DEV = 0\n  no values\n\n" {
		t.Errorf("without values: %q", got)
	}
	if enc, err = New(src, Options{Mode: Columns, Fields: "dev"}); err != nil {
		t.Fatal(err)
	}
	if got := string(enc.Array(nil, [][]byte{s})); strings.Contains(got, "distribution") {
		t.Errorf("an unrequested histogram: %q", got)
	}
}

func TestPlain(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	src := build(t, []btf.Member{
		{Name: "count", Type: u32},
		{Name: "text", Type: &btf.Array{Type: char, Nelems: 8}, Offset: 32},
		{Name: "more", Type: &btf.Array{Type: char, Nelems: 8}, Offset: 96},
	}, field.Options{})
	s := append([]byte{7, 0, 0, 0}, "a\x1b\n\x00\x00\x00\x00\x00bc\x00\x00\x00\x00\x00\x00"...)
	for _, tc := range []struct {
		mode      Mode
		fields    string
		rawFields string
		want      string
	}{
		{Advise, "", "", "a\x1b\n"},
		{Advise, "more", "", "bc\n"},
		{Raw, "", "", "7\ta\x1b\n\tbc\n"},
		{Raw, "", "more", "bc\n"},
		{Raw, "count,more", "more", "7\tbc\n"},
	} {
		src.Annotations = map[string]string{"cli.raw.fields": tc.rawFields}
		if got := encode(t, src, Options{Mode: tc.mode, Fields: tc.fields}, s); got != tc.want {
			t.Errorf("%s of %q: got %q, want %q", tc.mode, tc.fields, got, tc.want)
		}
	}
	src.Annotations["cli.raw.fields"] = "mor"
	if _, err := New(src, Options{Mode: Raw}); err == nil || !strings.Contains(err.Error(), `"more"`) {
		t.Errorf("an unknown field: %v", err)
	}
}

// packets is a source whose packets follow the fields.
func packets(tb testing.TB) *field.Source {
	return build(tb, []btf.Member{
		{Name: "timestamp_raw", Type: &btf.Typedef{Name: "gadget_timestamp", Type: u64}},
		{Name: "ifindex", Type: u32, Offset: 64},
		{Name: "len", Type: u32, Offset: 96},
		{Name: "payload_len", Type: u32, Offset: 128},
		{Name: "unused", Type: u32, Offset: 160},
	}, field.Options{
		Env: field.Env{Boot: time.Unix(0, 0)},
		Annotations: map[string]string{
			"pcap.payload": "packet", "pcap.packet-length": "len", "ebpf.rest.name": "packet", "ebpf.rest.len": "payload_len",
		},
		Fields: map[string]map[string]string{"ifindex": {"pcap.interface-key": "true"}},
	})
}

func packet(at uint64, ifindex, length, kept uint32, data string) []byte {
	s := binary.NativeEndian.AppendUint64(nil, at)
	for _, v := range []uint32{ifindex, length, kept, 0} {
		s = binary.NativeEndian.AppendUint32(s, v)
	}
	s = binary.NativeEndian.AppendUint64(s, uint64(kept)) // as engines report it
	return append(s, data...)
}

func TestPcapNG(t *testing.T) {
	enc, err := New(packets(t), Options{Mode: PcapNG})
	if err != nil {
		t.Fatal(err)
	}
	file := enc.Header(nil)
	file = enc.Event(file, packet(1<<33+5, 3, 1500, 6, "abcdef\x00\x00"))
	file = enc.Event(file, packet(6, 3, 2, 9, "gh"))
	file = enc.Event(file, packet(7, 4, 1, 1, "i"))
	le := binary.LittleEndian
	var kinds []uint32
	var data []string
	for len(file) > 0 {
		n := le.Uint32(file[4:])
		if n%4 != 0 || int(n) > len(file) || le.Uint32(file[n-4:]) != n {
			t.Fatalf("a block of %d bytes, %d are left", n, len(file))
		}
		kind := le.Uint32(file)
		kinds = append(kinds, kind)
		if kind == blockPacket {
			captured := le.Uint32(file[20:])
			data = append(data, string(file[28:28+captured]))
			if len(data) == 1 && (le.Uint32(file[12:]) != 2 || le.Uint32(file[16:]) != 5 || le.Uint32(file[24:]) != 1500) {
				t.Errorf("the head of the first packet: %v", file[8:28])
			}
		}
		file = file[n:]
	}
	want := []uint32{blockSection, blockInterface, blockPacket, blockPacket, blockInterface, blockPacket}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"abcdef", "gh", "i"}, data); diff != "" {
		t.Errorf("packets (-want +got):\n%s", diff)
	}
}

// TestPcapInterfaceVariables: values of annotated fields distinguish interfaces and are in
// their description.
func TestPcapInterfaceVariables(t *testing.T) {
	src := packets(t)
	for _, f := range src.All() {
		if f.Name == "len" {
			f.Annotations["pcap.interface-var"] = "k8s.podName"
		}
		if f.Name == "unused" {
			f.Annotations["pcap.interface-var"] = "zone"
		}
	}
	enc, err := New(src, Options{Mode: PcapNG})
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for range 2 {
		file = enc.Event(file, packet(1, 3, 7, 1, "a"))
		file = enc.Event(file, packet(2, 3, 8, 1, "b"))
	}
	for _, description := range []string{"k8s.podName=7;zone=0", "k8s.podName=8;zone=0"} {
		option := binary.LittleEndian.AppendUint16([]byte{3, 0}, uint16(len(description)))
		if n := bytes.Count(file, append(option, description...)); n != 1 {
			t.Errorf("%d interfaces with the description %q, want 1", n, description)
		}
	}
}

// TestPcapNGReader gives a capture to tcpdump where there is one.
func TestPcapNGReader(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("needs tcpdump in PATH")
	}
	enc, err := New(packets(t), Options{Mode: PcapNG})
	if err != nil {
		t.Fatal(err)
	}
	arp := "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01" +
		"\x02\x00\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02"
	name := filepath.Join(t.TempDir(), "a.pcapng")
	file := enc.Event(enc.Header(nil), packet(1e18, 1, uint32(len(arp)), uint32(len(arp)), arp))
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tcpdump, "-nn", "-r", name).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "who-has 10.0.0.2 tell 10.0.0.1") {
		t.Errorf("%v: %s", err, out)
	}
}

// stacked has a text of frames, as symbolizers write it, and a weight.
func stacked(annotations map[string]string, fields map[string]map[string]string) *field.Source {
	text := func(name string, at, size int) *field.Field {
		return &field.Field{
			Name: name, FullName: name, Kind: field.String, Offset: uint32(at), Annotations: fields[name],
			Append: func(dst, s []byte) []byte { return append(dst, strings.TrimRight(string(s[at:at+size]), "\x00")...) },
		}
	}
	comm, kernel := text("comm", 0, 8), text("kstack", 8, 32)
	comm.Types = []string{"gadget_comm"}
	id := &field.Field{
		Name: "kstack_raw", FullName: "kstack_raw", Kind: field.Uint, Offset: 8, Types: []string{"gadget_kernel_stack"},
		Number: func([]byte) uint64 { return 0 },
	}
	user := &field.Field{Name: "ustack", FullName: "ustack", Kind: field.Struct, Types: []string{"gadget_user_stack"}}
	symbols, addresses := text("symbols", 40, 32), text("addresses", 72, 32)
	user.Children = []*field.Field{addresses, symbols}
	count := &field.Field{
		Name: "count", FullName: "count", Kind: field.Uint,
		Number: func(s []byte) uint64 { return uint64(s[104]) },
		Append: func(dst, _ []byte) []byte { return dst },
	}
	weight := *count
	weight.Name, weight.FullName = "weight", "weight"
	weight.Number = func(s []byte) uint64 { return 10 * uint64(s[104]) }
	return &field.Source{
		Name: "src", Array: true, Size: 105, Annotations: annotations,
		Fields: []*field.Field{comm, id, kernel, user, count, &weight},
	}
}

func stackSample(comm, kernel, symbols, addresses string, count byte) []byte {
	s := make([]byte, 105)
	copy(s, comm)
	copy(s[8:], kernel)
	copy(s[40:], symbols)
	copy(s[72:], addresses)
	s[104] = count
	return s
}

func TestStackModes(t *testing.T) {
	samples := [][]byte{
		stackSample("cat", "vfs_read; sys_read; ", "read; main; ", "0x1; 0x2; ", 3),
		stackSample("cat", "", "", "0x1; 0x2; ", 4),
	}
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		fields      map[string]map[string]string
		want        string
	}{
		{"by type", nil, nil, "cat;0x2;0x1 4\ncat;main;read;sys_read;vfs_read 3\n"},
		{
			"fields of a profile",
			map[string]string{"profiles.stack-fields": "kstack,comm"},
			nil,
			"cat 4\ncat;sys_read;vfs_read 3\n",
		},
		{
			"value of a profile",
			map[string]string{"profiles.value-field": "weight"},
			nil,
			"cat;0x2;0x1 40\ncat;main;read;sys_read;vfs_read 30\n",
		},
		{"levels", nil, map[string]map[string]string{
			"kstack": {"flamegraph.level": "2", "flamegraph.type": "stack"}, "comm": {"flamegraph.level": "1"},
		}, "cat 4\ncat;sys_read;vfs_read 3\n"},
		{
			"levels before the fields of a profile",
			map[string]string{"profiles.stack-fields": "kstack"},
			map[string]map[string]string{"comm": {"flamegraph.level": "1"}},
			"cat 7\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			enc, err := New(stacked(tc.annotations, tc.fields), Options{Mode: Folded})
			if err != nil {
				t.Fatal(err)
			}
			if got := enc.Array(enc.Header(nil), samples); len(got) > 0 {
				t.Errorf("before the end: %q", got)
			}
			if got := string(enc.(Finisher).Finish(nil)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	for mode, want := range map[Mode]string{FlameGraph: "<!DOCTYPE html>", Pprof: "\x1f\x8b"} {
		enc, err := New(stacked(nil, nil), Options{Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		enc.Array(nil, samples)
		if got := enc.(Finisher).Finish(nil); !strings.HasPrefix(string(got), want) {
			t.Errorf("%s begins with %q", mode, got[:20])
		}
	}
	for _, mode := range []Mode{Folded, PcapNG} {
		if _, err := New(source(t, nil), Options{Mode: mode}); err == nil {
			t.Errorf("mode %s of a source without what it needs", mode)
		}
	}
}

// TestProfileAnnotations finds what a profile counts, and its unit, among its texts.
func TestProfileAnnotations(t *testing.T) {
	annotations := map[string]string{"profiles.type": "cpu-time", "profiles.unit": "nanoseconds"}
	enc, err := New(stacked(annotations, nil), Options{Mode: Pprof})
	if err != nil {
		t.Fatal(err)
	}
	enc.Array(nil, [][]byte{stackSample("cat", "vfs_read; ", "main; ", "0x1; ", 3)})
	zr, err := gzip.NewReader(bytes.NewReader(enc.(Finisher).Finish(nil)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cpu-time", "nanoseconds"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the profile has no text %q", want)
		}
	}
}

// TestPcapTimestamp takes the time of packets from the field of the annotation.
func TestPcapTimestamp(t *testing.T) {
	src := packets(t)
	src.Annotations["pcap.timestamp"] = "unused"
	enc, err := New(src, Options{Mode: PcapNG})
	if err != nil {
		t.Fatal(err)
	}
	s := packet(5, 3, 1, 1, "a")
	binary.NativeEndian.PutUint32(s[20:], 77)
	file := enc.Event(nil, s)
	file = file[binary.LittleEndian.Uint32(file[4:]):] // after the interface
	if at := binary.LittleEndian.Uint32(file[16:]); at != 77 {
		t.Errorf("the packet is of %d, want 77", at)
	}
}

// TestModesAllocateNothing holds the forms of single events to it.
func TestModesAllocateNothing(t *testing.T) {
	enc, err := New(packets(t), Options{Mode: PcapNG})
	if err != nil {
		t.Fatal(err)
	}
	dst, s := make([]byte, 0, 1<<10), packet(1, 2, 3, 3, "abc")
	enc.Event(dst, s)
	if n := testing.AllocsPerRun(100, func() { enc.Event(dst, s) }); n > 0 {
		t.Errorf("a packet allocates %v times", n)
	}
}
