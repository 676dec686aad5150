package kernel

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

func TestParseOSRelease(t *testing.T) {
	tests := []struct {
		name, data string
		want       OSRelease
	}{
		{"empty", "", OSRelease{ID: "linux"}},
		{
			"debian", "PRETTY_NAME=\"Debian GNU/Linux 12 " +
				"(bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
			OSRelease{ID: "debian", VersionID: "12", VersionCodename: "bookworm"},
		},
		{
			"amazon quotes its ID", "NAME=\"Amazon Linux\"\nID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID=\"2\"\n",
			OSRelease{ID: "amzn", IDLike: []string{"centos", "rhel", "fedora"}, VersionID: "2"},
		},
		{"single quotes", "ID='ol'\nVERSION_ID='8.9'", OSRelease{ID: "ol", VersionID: "8.9"}},
		{
			"comments and garbage", "# ID=no\n\nhello\n ID=alpine # yes\nVERSION_ID=3.20 x\n",
			OSRelease{ID: "alpine", VersionID: "3.20"},
		},
		{"escapes", `ID="a\"b\$c\x"` + "\nVERSION_ID=1\\ 2\n", OSRelease{ID: `a"b$c\x`, VersionID: "1 2"}},
		{"carriage returns", "ID=fedora\r\nVERSION_ID=41\r\n", OSRelease{ID: "fedora", VersionID: "41"}},
		{"unterminated", "ID=\"fed\nVERSION_ID='4", OSRelease{ID: "fed", VersionID: "4"}},
		{"the last one wins", "ID=a\nID=b\n", OSRelease{ID: "b"}},
		{"empty ID", "ID=\"\"\n", OSRelease{ID: "linux"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseOSRelease([]byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseOSRelease (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseOSReleaseRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"zero byte": "ID=a\x00",
		"too long":  strings.Repeat("#", maxOSRelease+1),
	} {
		if _, err := ParseOSRelease([]byte(data)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadOSReleaseOrder(t *testing.T) {
	both := fstest.MapFS{
		"etc/os-release":     {Data: []byte("ID=first\n")},
		"usr/lib/os-release": {Data: []byte("ID=second\n")},
	}
	second := fstest.MapFS{"usr/lib/os-release": both["usr/lib/os-release"]}
	for want, root := range map[string]fstest.MapFS{"first": both, "second": second, "": {}} {
		osr, err := readOSRelease(root)
		if err != nil || osr.ID != want {
			t.Errorf("readOSRelease = %q, %v; want %q", osr.ID, err, want)
		}
	}
	big := fstest.MapFS{"etc/os-release": {Data: make([]byte, maxOSRelease+1)}}
	if _, err := readOSRelease(big); err == nil {
		t.Error("an os-release beyond the limit was accepted")
	}
}

func TestFromHost(t *testing.T) {
	id, err := FromHost()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Skipf("needs /proc: %v", err)
	}
	if id.Release != strings.TrimSpace(string(want)) || id.Arch != arch.Host() {
		t.Errorf("FromHost = %v, want release %q and arch %q", id, want, arch.Host())
	}
}

func TestIdentityString(t *testing.T) {
	id := Identity{Distro: "debian", Arch: arch.ARM64, Release: "6.1.0-9-cloud-arm64"}
	if got, want := id.String(), "debian - arm64 6.1.0-9-cloud-arm64"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

func TestBTFPaths(t *testing.T) {
	files := BTFPaths("6.1.0-9-amd64")
	if files[0] != (BTFFile{Path: SysBTF}) {
		t.Errorf("first path is %v, want %s", files[0], SysBTF)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Path] {
			t.Errorf("%s listed twice", f.Path)
		}
		seen[f.Path] = true
	}
	if !seen["boot/vmlinux-6.1.0-9-amd64"] || !seen["usr/lib/debug/lib/modules/6.1.0-9-amd64/vmlinux"] {
		t.Errorf("paths %v lack a known one", files)
	}
	for _, bad := range []string{"", ".", "..", "../../etc", "a/b", "a\x00"} {
		if got := BTFPaths(bad); len(got) != 1 {
			t.Errorf("BTFPaths(%q) has %d entries, want 1", bad, len(got))
		}
	}
}

func TestFindBTF(t *testing.T) {
	root := fstest.MapFS{
		SysBTF:               {Data: []byte{}},
		"boot/vmlinux-1.2.3": {Data: []byte("x")},
		"usr/lib/debug/lib/modules/1.2.3/vmlinux": {Data: []byte("x")},
	}
	want := []BTFFile{{"boot/vmlinux-1.2.3", true}, {"usr/lib/debug/lib/modules/1.2.3/vmlinux", true}}
	if diff := cmp.Diff(want, FindBTF(root, "1.2.3")); diff != "" {
		t.Errorf("FindBTF (-want +got):\n%s", diff)
	}
	if HasBTF(root) {
		t.Error("HasBTF is true for an empty file")
	}
	root[SysBTF] = &fstest.MapFile{Data: []byte("x")}
	if !HasBTF(root) {
		t.Error("HasBTF is false for a kernel with BTF")
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add([]byte("ID=\"amzn\"\nVERSION_ID='2'\n"))
	f.Add([]byte("ID=\\\nVERSION_ID=\"\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		osr, err := ParseOSRelease(data)
		if err == nil && osr.ID == "" {
			t.Error("empty ID without an error")
		}
	})
}
