package field

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

var (
	u8   = &btf.Int{Name: "unsigned char", Size: 1}
	u32  = &btf.Int{Name: "unsigned int", Size: 4}
	u64  = &btf.Int{Name: "unsigned long long", Size: 8}
	char = &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
)

func typedef(name string, t btf.Type) btf.Type { return &btf.Typedef{Name: name, Type: t} }

// pack makes a struct of members with the alignment that offsets give.
func pack(name string, size uint32, members ...btf.Member) *btf.Struct {
	return &btf.Struct{Name: name, Size: size, Members: members}
}

func member(name string, off uint32, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: t, Offset: btf.Bits(off * 8)}
}

func names(fs []*Field) []string {
	var out []string
	for _, f := range fs {
		n := f.FullName
		if f.Hidden() {
			n += " hidden"
		}
		out = append(out, n)
	}
	return out
}

func TestSiblings(t *testing.T) {
	typ := pack("event", 32,
		member("error_raw", 0, typedef("gadget_errno", u32)),
		member("code", 4, typedef("gadget_errno", u32)),
		member("renamed", 8, typedef("gadget_errno", u32)),
		member("shown_raw", 12, typedef("gadget_errno", u32)),
		member("uid", 16, typedef("gadget_uid", u32)),
		member("signal_raw", 20, typedef("gadget_signal", u32)),
		member("signal", 24, u32),
	)
	src, err := Build(typ, Options{Name: "x", Fields: map[string]map[string]string{
		"renamed":   {"formatters.errno.target": "why"},
		"shown_raw": {AnnotationHidden: "false"},
		"error":     {"columns.width": "5"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"error_raw hidden", "error", "code", "renamed hidden", "why", "shown_raw", "shown",
		"uid hidden", "user hidden", "signal_raw", "signal",
	}
	if diff := cmp.Diff(want, names(src.All())); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if w := src.Lookup("error").Annotations["columns.width"]; w != "5" {
		t.Errorf("annotation of the formatted field: width %q, want 5", w)
	}
}

func TestUnnamedMembers(t *testing.T) {
	inner := &btf.Union{Size: 8, Members: []btf.Member{
		member("wide", 0, u64),
		{Type: pack("", 8, member("low", 0, u32), member("high", 4, u32))},
	}}
	src, err := Build(pack("event", 16, member("first", 0, u32), btf.Member{Type: inner, Offset: 8 * 8},
		btf.Member{Type: u32}), Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "wide", "low", "high"}, names(src.All())); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	s := make([]byte, 16)
	binary.NativeEndian.PutUint32(s[12:], 7)
	if got := src.Lookup("high").Append(nil, s); string(got) != "7" {
		t.Errorf("the field of the inner struct is %q, want 7", got)
	}
	deep := pack("event", 8, member("a", 0, u64))
	for range gadgetapi.MaxDepth + 2 {
		deep = pack("event", 8, btf.Member{Type: deep})
	}
	if _, err := Build(deep, Options{}); err == nil {
		t.Error("structs without end were accepted")
	}
}

func TestMembersWithoutText(t *testing.T) {
	typ := pack("event", 64,
		member("pointer", 0, &btf.Pointer{Target: u32}),
		member("__private", 8, u64),
		member("structs", 16, &btf.Array{Type: pack("s", 4, member("a", 0, u32)), Nelems: 2}),
		member("wide", 24, &btf.Int{Name: "__int128", Size: 16}),
		member("flexible", 40, &btf.Array{Type: u8}),
		member("bytes", 40, &btf.Array{Type: u8, Nelems: 3}),
		member("kept", 48, u32),
	)
	src, err := Build(typ, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bytes", "kept"}, names(src.All())); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestBuildRefuses(t *testing.T) {
	loop := pack("loop", 8)
	loop.Members = []btf.Member{member("again", 0, loop)}
	var many []btf.Member
	for range gadgetapi.MaxFields + 1 {
		many = append(many, member("f", 0, u8))
	}
	for _, tc := range []struct {
		name, want string
		typ        *btf.Struct
	}{
		{"field after the struct", "ends after the end", pack("event", 4, member("a", 2, u32))},
		{"nested in itself", "nested", loop},
		{"too many fields", "more than", pack("event", 8, many...)},
		{"too large", "more than", pack("event", gadgetapi.MaxSize+1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Build(tc.typ, Options{}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	proc := pack("gadget_process", 24,
		member("comm", 0, &btf.Array{Type: typedef("gadget_comm", char), Nelems: 16}),
		member("pid", 16, typedef("gadget_pid", u32)),
	)
	src, err := Build(pack("event", 32, member("proc", 0, proc), member("comm", 24, u32)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"proc.pid": "proc.pid", "PROC.PID": "proc.pid", "pid": "proc.pid", "Pid": "proc.pid", "comm": "comm",
	} {
		f := src.Lookup(name)
		if f == nil || f.FullName != want {
			t.Errorf("%q finds %v, want %q", name, f, want)
		}
	}
	if f := src.Lookup("nothing"); f != nil {
		t.Errorf("a field that is not there was found: %v", f)
	}
}

func TestText(t *testing.T) {
	for _, tc := range []struct {
		name string
		fn   func([]byte, uint64) []byte
		in   uint64
		want string
	}{
		{"no error", appendErrno, 0, ""},
		{"error", appendErrno, 13, "EACCES"},
		{"unknown error", appendErrno, 999, "error#999"},
		{"signal", appendSignal, 15, "SIGTERM"},
		{"unknown signal", appendSignal, 200, "signal#200"},
		{"mode 0", appendFileMode, 0, "----------"},
		{"mode", appendFileMode, 0o644, "-rw-r--r--"},
		{"directory", appendFileMode, 0o41777, "drwxrwxrwt"},
		{"set id without x", appendFileMode, 0o106000, "---S--S---"},
		{"bytes", appendBytes, 999, "999 B"},
		{"kilobytes", appendBytes, 1500, "1.5 kB"},
		{"huge", appendBytes, 1 << 63, "9.2 EB"},
		{"ns", appendDuration, 12, "12ns"},
		{"ms", appendDuration, 2_340_000, "2.34ms"},
		{"seconds", appendDuration, 90_000_000_000, "1m30s"},
		{"protocol", appendProto, 17, "UDP"},
		{"unknown protocol", appendProto, 200, "proto#200"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(tc.fn(nil, tc.in)); got != tc.want {
				t.Errorf("%d: got %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestOpenFlagsOfArchitectures(t *testing.T) {
	text := func(a string, v uint64) string {
		b := &builder{env: Env{}}
		if a == "arm64" {
			b.env.Arch = "arm64"
		}
		return string(flagsFormatter(b, nil)(nil, v))
	}
	for _, tc := range []struct {
		arch string
		in   uint64
		want string
	}{
		{"amd64", 0, "O_RDONLY"},
		{"amd64", 0o200000, "O_RDONLY|O_DIRECTORY"},
		{"arm64", 0o40000, "O_RDONLY|O_DIRECTORY"},
		{"arm64", 0o200001, "O_WRONLY|O_DIRECT"},
		{"amd64", 3, "O_ACCMODE"},
		{"amd64", 0o12000002, "O_RDWR|O_CLOEXEC|O_PATH"},
	} {
		if got := text(tc.arch, tc.in); got != tc.want {
			t.Errorf("%s %#o: got %q, want %q", tc.arch, tc.in, got, tc.want)
		}
	}
}

func TestFilterMistakenOperators(t *testing.T) {
	src, err := Build(pack("event", 16, member("name", 0, &btf.Array{Type: char, Nelems: 16})), Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for op, use := range map[string]string{
		"=~": "~", "~=": "~", "~~": "~", "!~=": "!~", "=!": "!=", "!==": "!=", "<>": "!=",
		"===": "==", "=>": ">=", "=<": "<=", "><": "!=", ">==": ">=", "<==": "<=",
	} {
		want := fmt.Sprintf("unknown operator %q, use %q", op, use)
		if _, err := Filter(src, []string{"name" + op + "ls"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("name%sls: got error %v, want %s", op, err, want)
		}
	}
	holds, err := Filter(src, []string{"name==~ls"})
	if err != nil {
		t.Fatal(err)
	}
	if s := append([]byte("~ls"), make([]byte, 13)...); !holds(s) {
		t.Error("name==~ls does not hold for the text ~ls")
	}
}

func TestFilter(t *testing.T) {
	src, err := Build(pack("event", 32,
		member("count", 0, u32),
		member("delta", 4, &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}),
		member("error_raw", 8, typedef("gadget_errno", u32)),
		member("name", 12, &btf.Array{Type: char, Nelems: 16}),
		member("set", 28, &btf.Int{Name: "bool", Size: 1, Encoding: btf.Bool}),
	), Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	s := make([]byte, 32)
	s[28] = 1
	binary.NativeEndian.PutUint32(s, 7)
	binary.NativeEndian.PutUint32(s[4:], 0xffffffff)
	binary.NativeEndian.PutUint32(s[8:], 2)
	copy(s[12:], "cat,dog")
	for _, tc := range []struct {
		expr string
		want bool
	}{
		{"count==7", true},
		{"count!=7", false},
		{"count>6", true},
		{"count<7", false},
		{"count>=7", true},
		{"count<=6", false},
		{"delta==-1", true},
		{"delta<0", true},
		{"delta>5", false},
		{"error==ENOENT", true},
		{"error!=ENOENT", false},
		{"error_raw==0x2", true},
		{`name==cat\,dog`, true},
		{"name~^cat", true},
		{"name!~dog$", false},
		{"name~^dog", false},
		{"count==7,delta==-1", true},
		{"count==7,delta==1", false},
		{"name>cat", true},
		{"count=7", true},
		{"count=8", false},
		{"count==7,", true},
		{"set==true", true},
		{"set==1", true},
		{"set!=true", false},
		{"set==false", false},
	} {
		match, err := Filter(src, []string{tc.expr})
		if err != nil {
			t.Errorf("%q: %v", tc.expr, err)
			continue
		}
		if got := match(s); got != tc.want {
			t.Errorf("%q: got %t, want %t", tc.expr, got, tc.want)
		}
	}
	for _, bad := range []string{"count", "==7", "nothing==1", "count==x", "delta==x", "name~(", "set>0", "set==2"} {
		if _, err := Filter(src, []string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if match, err := Filter(src, nil); match != nil || err != nil {
		t.Errorf("no expression: got a test or %v", err)
	}
}

func TestSorter(t *testing.T) {
	src, err := Build(pack("event", 8, member("count", 0, u32), member("name", 4, &btf.Array{Type: char, Nelems: 4})),
		Options{})
	if err != nil {
		t.Fatal(err)
	}
	entry := func(n byte, name string) []byte {
		return append([]byte{n, 0, 0, 0}, append([]byte(name), 0, 0, 0)[:4]...)
	}
	for spec, want := range map[string]string{
		"": "2b 1c 2a ", "count": "1c 2b 2a ", "-count,name": "2a 2b 1c ",
		"name": "2a 2b 1c ", "-name": "1c 2b 2a ",
	} {
		samples := [][]byte{entry(2, "b"), entry(1, "c"), entry(2, "a")}
		sort, err := Sorter(src, spec)
		if err != nil {
			t.Fatal(err)
		}
		if sort != nil {
			sort(samples)
		}
		var got string
		for _, s := range samples {
			got += string('0'+s[0]) + string(s[4]) + " "
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", spec, got, want)
		}
	}
	if _, err := Sorter(src, "count,nothing"); err == nil {
		t.Error("a field that is not there was accepted")
	}
}

func FuzzFilter(f *testing.F) {
	src, err := Build(pack("event", 8, member("count", 0, u32), member("name", 4, &btf.Array{Type: char, Nelems: 4})),
		Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"count==1", `name~a\,b`, "name!~,count<=2"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, expr string) {
		if match, err := Filter(src, []string{expr}); err == nil && match != nil {
			match(make([]byte, 8))
		}
	})
}
