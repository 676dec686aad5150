package library

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/rootfs"
)

// cacheFile returns a cache of the loader with these libraries of a: pairs of
// name and path.
func cacheFile(a arch.Arch, pairs ...string) []byte {
	le := binary.LittleEndian
	out := append([]byte(cacheMagic), make([]byte, cacheHeader-len(cacheMagic))...)
	le.PutUint32(out[20:], uint32(len(pairs)/2))
	var texts []byte
	at := func(s string) uint32 {
		texts = append(append(texts, s...), 0)
		return uint32(cacheHeader + len(pairs)/2*cacheEntry + len(texts) - len(s) - 1)
	}
	for i := 0; i < len(pairs); i += 2 {
		for _, v := range []uint32{cacheFlags[a], at(pairs[i]), at(pairs[i+1]), 0, 0, 0} {
			out = le.AppendUint32(out, v)
		}
	}
	out = append(out, texts...)
	return out
}

// root makes a root directory with these files.
func root(t testing.TB, files map[string]string) FS {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	return fs
}

const elfFile = "\x7fELF..."

func TestFind(t *testing.T) {
	cached := map[string]string{
		"etc/ld.so.cache": string(cacheFile(arch.AMD64,
			"libssl.so.3", "/opt/ssl/libssl.so.3", "libssl.so.1.1", "/opt/old/libssl.so.1.1",
			"libsslx.so.1", "/opt/ssl/libsslx.so.1", "libgone.so.1", "/opt/libgone.so.1",
			"libz.so.1", "/opt/hwcaps/libz.so.1", "libz.so.1", "/opt/libz.so.1")),
		"opt/ssl/libssl.so.3": elfFile, "opt/old/libssl.so.1.1": elfFile, "opt/ssl/libsslx.so.1": elfFile,
		"opt/hwcaps/libz.so.1": elfFile, "opt/libz.so.1": elfFile,
		"usr/lib/libgone.so.1": elfFile, "usr/bin/bash": elfFile, "usr/local/bin/bash": "#!/bin/sh", "x/tool": elfFile,
	}
	musl := map[string]string{
		"etc/ld-musl-x86_64.path": "/lib\n/apk/lib:/usr/lib\n", "lib/libc.musl-x86_64.so.1": elfFile,
		"apk/lib/libssl.so.3": elfFile, "usr/lib/libc.so": "GROUP ( libc.so.6 )",
	}
	for _, c := range []struct {
		name, search string
		files        map[string]string
		want         []string
	}{
		{"libssl", "", cached, []string{"/opt/ssl/libssl.so.3", "/opt/old/libssl.so.1.1"}},
		{"libssl.so", "", cached, []string{"/opt/ssl/libssl.so.3", "/opt/old/libssl.so.1.1"}},
		{"libssl.so.3", "", cached, []string{"/opt/ssl/libssl.so.3"}},
		{"libz", "", cached, []string{"/opt/hwcaps/libz.so.1", "/opt/libz.so.1"}},
		{"libgone", "", cached, []string{"/usr/lib/libgone.so.1"}},
		{"bash", "", cached, []string{"/usr/bin/bash"}},
		{"tool", "/nowhere:/x", cached, []string{"/x/tool"}},
		{"/x/../x/tool", "", cached, []string{"/x/tool"}},
		{"libc", "", musl, []string{"/lib/libc.musl-x86_64.so.1"}},
		{"libssl", "", musl, []string{"/apk/lib/libssl.so.3"}},
	} {
		got, err := Find(root(t, c.files), arch.AMD64, c.name, c.search)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
	for _, name := range []string{"libss", "sh", "/x/none", "tool"} {
		if got, err := Find(root(t, cached), arch.AMD64, name, ""); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, %v; want os.ErrNotExist", name, got, err)
		}
	}
	if got, err := Find(root(t, cached), arch.ARM64, "libssl", ""); err == nil {
		t.Errorf("libraries of another architecture: %v", got)
	}
}

// TestCacheOfThisMachine checks the parser against what ldconfig prints.
func TestCacheOfThisMachine(t *testing.T) {
	ldconfig, err := exec.LookPath("ldconfig")
	if err != nil {
		ldconfig = "/sbin/ldconfig"
	}
	out, err := exec.Command(ldconfig, "-p").Output()
	if err != nil {
		t.Skip("needs ldconfig")
	}
	data, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil {
		t.Skip("needs /etc/ld.so.cache")
	}
	var want, got []string
	kind := map[arch.Arch]string{arch.AMD64: "x86-64", arch.ARM64: "AArch64"}[arch.Host()]
	for line := range strings.SplitSeq(string(out), "\n") {
		if _, p, ok := strings.Cut(line, " => "); ok && strings.Contains(line, "(libc6,"+kind) {
			want = append(want, p)
		}
	}
	if err := cacheLibraries(data, arch.Host(), func(_, p []byte) { got = append(got, string(p)) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("%d libraries\n%s", len(got), diff)
	}
}

func TestOldCacheBeforeTheNewOne(t *testing.T) {
	old := make([]byte, oldCacheHeader+oldCacheEntry)
	copy(old, oldCacheMagic)
	old[12] = 1
	data := append(append(old, make([]byte, 4)...), cacheFile(arch.AMD64, "liba.so.1", "/lib/liba.so.1")...)
	var got []string
	if err := cacheLibraries(data, arch.AMD64, func(_, p []byte) { got = append(got, string(p)) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/lib/liba.so.1"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzCache(f *testing.F) {
	f.Add(cacheFile(arch.AMD64, "liba.so.1", "/lib/liba.so.1"))
	f.Add([]byte(oldCacheMagic + "\x00\xff\xff\xff\xff"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = cacheLibraries(data, arch.AMD64, func(_, _ []byte) {})
	})
}
