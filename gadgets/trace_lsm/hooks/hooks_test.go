package hooks

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// found returns the first group of each match in a file of the gadget.
func found(t *testing.T, file, pattern string) []string {
	t.Helper()
	data, err := os.ReadFile("../" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(data), -1) {
		out = append(out, m[1])
	}
	return out
}

// TestSameHooks holds the three lists of hooks together.
func TestSameHooks(t *testing.T) {
	if programs := found(t, "hooks.h", `\tF\((\w+), \w+\)`); !slices.Equal(programs, All()) {
		t.Errorf("the eBPF programs have the hooks\n%q, this package\n%q", programs, All())
	}
	flags := found(t, "gadget.yaml", `key: trace-(\w+)`)
	want := append(All(), "all")
	slices.Sort(flags)
	slices.Sort(want)
	if !slices.Equal(flags, want) {
		t.Errorf("the flags are of\n%q, want\n%q", flags, want)
	}
}

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		kernel []string
		want   bool
	}{
		{nil, false},
		{[]string{"register_fprobe_ips"}, true},
		{[]string{"perf_kprobe_init"}, false},
		{[]string{"bpf_get_attach_cookie_trace"}, false},
		{[]string{"bpf_get_attach_cookie_trace", "perf_kprobe_init"}, true},
	} {
		if got := Cookies(func(symbol string) bool { return slices.Contains(c.kernel, symbol) }); got != c.want {
			t.Errorf("a kernel with %q: %t", c.kernel, got)
		}
	}
}

func TestFunction(t *testing.T) {
	for _, c := range []struct{ hook, kernel, want string }{
		{"inode_mkdir", "security_inode_mkdir", "security_inode_mkdir"},
		{"bprm_check_security", "security_bprm_check", "security_bprm_check"},
		{"inode_getsecid", "security_inode_getsecid", "security_inode_getsecid"},
		{"inode_getsecid", "security_inode_getlsmprop", "security_inode_getlsmprop"},
		{"inode_alloc_security", "security_inode_alloc", "security_inode_alloc"},
		{"sb_delete", "security_sb_kern_mount", ""},
	} {
		if got := Function(c.hook, func(symbol string) bool { return symbol == c.kernel }); got != c.want {
			t.Errorf("the function of %s on a kernel with %s is %q, want %q", c.hook, c.kernel, got, c.want)
		}
	}
}
