package filterexpr_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/filterexpr"
)

var (
	u8     = &btf.Int{Name: "unsigned char", Size: 1}
	u16    = &btf.Int{Name: "unsigned short", Size: 2}
	u32    = &btf.Int{Name: "unsigned int", Size: 4}
	u64    = &btf.Int{Name: "unsigned long long", Size: 8}
	s32    = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	flag   = &btf.Int{Name: "bool", Size: 1, Encoding: btf.Bool}
	letter = &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
)

func member(name string, off uint32, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: t, Offset: btf.Bits(off * 8)}
}

// source has a process, an endpoint, numbers of each kind and a field that is
// called like a function of the language.
func source(t testing.TB) *field.Source {
	t.Helper()
	proc := &btf.Struct{Name: "gadget_process", Size: 24, Members: []btf.Member{
		member("comm", 0, &btf.Array{Type: letter, Nelems: 16}), member("pid", 16, u32),
	}}
	addr := &btf.Union{
		Name: "gadget_ip_addr_t", Size: 16, Members: []btf.Member{member("v6", 0, &btf.Array{Type: u8, Nelems: 16})},
	}
	dst := &btf.Struct{Name: "gadget_l4endpoint_t", Size: 24, Members: []btf.Member{
		member("addr_raw", 0, addr), member("port", 16, u16), member("proto_raw", 18, u16), member("version", 20, u8),
	}}
	typ := &btf.Struct{Name: "event", Size: 80, Members: []btf.Member{
		member("proc", 0, proc), member("fd", 24, s32), member("ok", 28, flag), member("big", 32, u64),
		member("len", 40, u32), member("ratio", 44, &btf.Float{Name: "float", Size: 4}), member("dst", 48, dst),
	}}
	src, err := field.Build(typ, field.Options{Name: "open"})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func event() []byte {
	s := make([]byte, 80)
	copy(s, "bash")
	binary.NativeEndian.PutUint32(s[16:], 42)
	fd := int32(-2)
	binary.NativeEndian.PutUint32(s[24:], uint32(fd))
	s[28] = 1
	binary.NativeEndian.PutUint64(s[32:], 1<<63+1)
	binary.NativeEndian.PutUint32(s[40:], 7)
	binary.NativeEndian.PutUint32(s[44:], 0x3fc00000) // 1.5
	copy(s[48:], []byte{10, 1, 2, 3})
	binary.NativeEndian.PutUint16(s[64:], 80)
	s[68] = 4
	return s
}

func TestMatch(t *testing.T) {
	src, sample := source(t), event()
	for expr, want := range map[string]bool{
		`proc.comm == "bash"`:                              true,
		`proc.comm == "sh"`:                                false,
		`comm == "bash" && pid == 42`:                      true,
		`PROC.COMM == "bash"`:                              true,
		`proc.comm in ["sh", "bash"]`:                      true,
		`proc.comm matches "^ba.*h$"`:                      true,
		`not (proc.comm startsWith "b")`:                   false,
		`proc?.comm == "bash"`:                             true,
		`fd < 0 and fd + 3 == 1`:                           true,
		`fd in -5..-1`:                                     true,
		`ok`:                                               true,
		`!ok || ratio > 2`:                                 false,
		`ratio == 1.5`:                                     true,
		`big > 0`:                                          true,
		`len == 7 && len(proc.comm) == 4`:                  true,
		`dst == "10.1.2.3:80"`:                             true,
		`dst.addr in cidr("10.0.0.0/8", "::1/128")`:        true,
		`dst in cidr("10.1.2.3/32")`:                       true,
		`dst.addr in cidr("192.168.0.0/16")`:               false,
		`dst.addr not in cidr("192.168.0.0/16")`:           true,
		`proc.comm in cidr("0.0.0.0/0")`:                   false,
		`let nets = cidr("10.0.0.0/8"); dst.addr in nets`:  true,
		`let proc = "x"; proc == "x"`:                      true,
		`any([41, 42], # == proc.pid)`:                     true,
		`dst.port == 80 ? proc.pid == 42 : proc.pid == 43`: true,
	} {
		t.Run(expr, func(t *testing.T) {
			f, err := filterexpr.Compile(src, expr)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second run reuses what the first left
				if got, err := f.Match(sample); err != nil || got != want {
					t.Errorf("got %v, %v, want %v", got, err, want)
				}
			}
		})
	}
}

// TestList gives an expression the texts of a char array one by one.
func TestList(t *testing.T) {
	args := &btf.Struct{
		Name: "event", Size: 16, Members: []btf.Member{member("args", 0, &btf.Array{Type: letter, Nelems: 16})},
	}
	src, err := field.Build(args, field.Options{
		Name: "exec", Fields: map[string]map[string]string{"args": {"ebpf.string": "list"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sample := make([]byte, 16)
	copy(sample, "cat\x00-n\x00a b")
	for expr, want := range map[string]bool{
		`args[0] == "cat" && len(args) == 3`: true,
		`"a b" in args`:                      true,
		`"a" in args`:                        false,
		`any(args, # startsWith "-")`:        true,
		`join(args, " ") contains "-n a"`:    true,
	} {
		f, err := filterexpr.Compile(src, expr)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Match(sample); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", expr, got, err, want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	src := source(t)
	for expr, want := range map[string]string{
		`proc.com == "bash"`:                `line 1, column 6: "proc" has no field "proc.com", did you mean "proc.comm"?`,
		`com == "bash"`:                     `line 1, column 1: data source "open" has no field "com", did you mean "comm"?`,
		`fd > 1 && prok.comm == "x"`:        `line 1, column 11: data source "open" has no field "prok", did you mean "proc"?`,
		"fd > 1\n|| fdd > 2":                `line 2, column 4: data source "open" has no field "fdd"`,
		`fd == "3"`:                         `line 1, column 4: invalid operation: == (mismatched types int and string)`,
		`fd`:                                `expected bool, but got int`,
		`proc == 1`:                         `"proc" has no value of its own, name one of its fields: proc.comm, proc.pid`,
		`proc["comm" + "x"] == "1"`:         `named after a dot`,
		`fd >`:                              `line 1, column 4`,
		`proc.comm matches "("`:             `missing closing )`,
		`dst.addr in cidr("10.0.0.0")`:      `"10.0.0.0" is not a network, write it like 10.0.0.0/8`,
		`$env != nil`:                       `has no field "$env"`,
		`missing(fd)`:                       `has no field "missing"`,
		``:                                  `unexpected token EOF`,
		strings.Repeat("fd>1||", 20000):     `too long`,
		strings.Repeat("ok||", 2000) + "ok": `exceeds`,
	} {
		name := expr
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			if _, err := filterexpr.Compile(src, expr); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestErrorOfOneEvent(t *testing.T) {
	f, err := filterexpr.Compile(source(t), `fd % (len - 7) == 0`)
	if err != nil {
		t.Fatal(err)
	}
	sample := event()
	if got, err := f.Match(sample); err == nil || got || !strings.Contains(err.Error(), "divide by zero") {
		t.Errorf("got %v, %v, want an error", got, err)
	}
	sample[40] = 8
	if got, err := f.Match(sample); err != nil || !got {
		t.Errorf("the event after it: got %v, %v, want true", got, err)
	}
}

func TestMemoryBudget(t *testing.T) {
	f, err := filterexpr.Compile(source(t), `len(1..(len * 1000000)) > 0`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Match(event()); err == nil || !strings.Contains(err.Error(), "memory budget") {
		t.Errorf("got %v, want an error about the memory", err)
	}
}

func FuzzCompile(f *testing.F) {
	src := source(f)
	for _, s := range []string{
		`proc.comm == "bash" && fd > 3`, `let x = cidr("10.0.0.0/8"); dst.addr in x`, `any(1..3, # == fd)`, `proc.`, `"`,
		`proc?.pid in {}`,
	} {
		f.Add(s)
	}
	sample := event()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return // nested loops over long lists only take long
		}
		if c, err := filterexpr.Compile(src, text); err == nil {
			_, _ = c.Match(sample)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	src, sample := source(b), event()
	for name, expr := range map[string]string{
		"number":  `fd > 3`,
		"text":    `proc.comm == "bash" && fd > 3`,
		"regexp":  `proc.comm matches "^ba"`,
		"network": `dst.addr in cidr("10.0.0.0/8")`,
	} {
		b.Run(name, func(b *testing.B) {
			f, err := filterexpr.Compile(src, expr)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Match(sample); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
