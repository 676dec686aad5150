package proc

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNamespace(t *testing.T) {
	if n, err := Namespace("mnt:[4026531840]"); err != nil || n != 4026531840 {
		t.Errorf("got %d (%v)", n, err)
	}
	for _, bad := range []string{"", "mnt:[]", "mnt:[12", "mnt:12]", "mnt:[-1]", "mnt:[99999999999999999999]", "[1]"} {
		if n, err := Namespace(bad); err == nil {
			t.Errorf("%q was read as %d", bad, n)
		}
	}
}

func TestCgroups(t *testing.T) {
	for _, tc := range []struct{ name, text, v1, v2 string }{
		{"v2", "0::/kubepods.slice/cri-containerd-aa.scope\n", "", "/kubepods.slice/cri-containerd-aa.scope"},
		{"root of v2", "0::/\n", "", ""},
		{
			"both", "1:name=systemd:/system.slice/docker.service:x\n0::/system.slice/docker.service\n",
			"/system.slice/docker.service:x", "/system.slice/docker.service",
		},
		{"systemd has another number", "9:name=systemd:/a\n8:pids:/b\n0::/\n", "/a", ""},
		{"no systemd", "9:name=systemd:/\n8:pids:/docker/aa\n4:memory:/other\n0::/\n", "/docker/aa", ""},
		{"no newline at the end", "0::/a", "", "/a"},
		{"nothing", "", "", ""},
		{"no cgroups", "hello\n1:2\n", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if v1, v2 := Cgroups([]byte(tc.text)); v1 != tc.v1 || v2 != tc.v2 {
				t.Errorf("got %q and %q, want %q and %q", v1, v2, tc.v1, tc.v2)
			}
		})
	}
}

// stat is the state of a process with a name that is hard to read.
const stat = "1611 (a) b (c) S 1 1611 1611 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 123 45 18446744073709551615\n"

func TestStarted(t *testing.T) {
	if d, err := Started([]byte(stat)); err != nil || d != 47110*time.Millisecond {
		t.Errorf("got %v (%v)", d, err)
	}
	for _, bad := range []string{
		"", "1611", "1611 (a", "1611 (a) S 1 2 3", strings.Replace(stat, "4711", "-1", 1),
		strings.Replace(stat, "4711", "9223372036854775807", 1),
	} {
		if d, err := Started([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, d)
		}
	}
}

func TestBoot(t *testing.T) {
	if at, err := Boot([]byte("cpu  1 2\nbtime 1700000000\nprocesses 1\n")); err != nil || at.Unix() != 1700000000 {
		t.Errorf("got %v (%v)", at, err)
	}
	for _, bad := range []string{"", "btime\n", "btime x\n", "btime -1\n", "btime 9999999999999999\n"} {
		if at, err := Boot([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, at)
		}
	}
}

// TestSelf reads this process.
func TestSelf(t *testing.T) {
	f, pid := New(""), uint32(os.Getpid())
	mnt, network, err := f.Namespaces(pid)
	if err != nil {
		t.Fatal(err)
	}
	for path, got := range map[string]uint64{"/proc/self/ns/mnt": mnt, "/proc/self/ns/net": network} {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil || st.Ino != got {
			t.Errorf("%s: got %d, the inode is %d (%v)", path, got, st.Ino, err)
		}
	}
	at, err := f.Started(pid)
	if since := time.Since(at); err != nil || since < -2*time.Second || since > time.Hour {
		t.Errorf("started at %v (%v)", at, err)
	}
	cg, err := f.Cgroup(pid)
	if err != nil {
		t.Fatal(err)
	}
	if cg.Path != "" {
		var st unix.Stat_t
		if err := unix.Stat(cg.Path, &st); err != nil || st.Ino != cg.ID {
			t.Errorf("cgroup %s has ID %d, the inode is %d (%v)", cg.Path, cg.ID, st.Ino, err)
		}
	}
}

func TestGone(t *testing.T) {
	if _, _, err := New("").Namespaces(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a process that is not there: %v", err)
	}
	if _, _, err := New(t.TempDir()).Namespaces(1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another root: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(stat))
	f.Add([]byte("btime 1700000000\n"))
	f.Add([]byte("0::/a\n1:name=systemd:/b\n"))
	f.Add([]byte("mnt:[4026531840]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Started(data); err == nil && d < 0 {
			t.Errorf("started %v before the machine", d)
		}
		if at, err := Boot(data); err == nil && at.Unix() < 0 {
			t.Errorf("booted at %v", at)
		}
		v1, v2 := Cgroups(data)
		if strings.Contains(v1+v2, "\n") {
			t.Errorf("cgroups %q and %q", v1, v2)
		}
		_, _ = Namespace(string(data))
	})
}
