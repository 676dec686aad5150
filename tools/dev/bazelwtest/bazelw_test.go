package bazelwtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestBazelOfPath(t *testing.T) {
	tests := []struct{ name, version, want string }{
		{"new enough", "bazel 7.7.1", "ran build //x"},
		{"newer major", "bazel 8.0.0", "ran build //x"},
		{"too old", "bazel 4.2.3", "no Bazel >= 7.7 on PATH"},
		{"nearly", "bazel 7.6.9", "no Bazel >= 7.7 on PATH"},
		{"no version", "no network", "no Bazel >= 7.7 on PATH"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			m.env = append(m.env, "BAZELW_BAZEL=path")
			m.has("bazel", `if [[ $1 == --version ]]; then echo "`+tt.version+`"; else echo "ran $*"; fi`)
			if out, _ := m.run("build", "//x"); !strings.Contains(out, tt.want) {
				t.Errorf("got %q, want %q", out, tt.want)
			}
		})
	}
}

// TestBazelOfPathCallsBazelw has a bazel on PATH that is a script around bazelw: it
// is run once for its version, and not again by the bazelw that it calls. The
// script gives up by itself, so that a failure of this test does not fill the machine.
func TestBazelOfPathCallsBazelw(t *testing.T) {
	m := newMachine(t)
	m.env = append(m.env, "BAZELW_BAZEL=path")
	calls := filepath.Join(m.home, "calls")
	m.has("bazel", `echo call >>"`+calls+`"; mapfile -t n <"`+calls+`"; ((${#n[@]} < 5)) || exit 1; exec bash "`+
		m.workspace+`/bazelw" "$@"`)
	out, _ := m.run("build", "//x")
	if want := "no Bazel >= 7.7 on PATH"; !strings.Contains(out, want) {
		t.Errorf("got %q, want %q", out, want)
	}
	if got, err := os.ReadFile(calls); err != nil || string(got) != "call\n" {
		t.Errorf("bazel was called %q, %v, want once", got, err)
	}
}

func TestExitCodeAndStartupOptions(t *testing.T) {
	m := newMachine(t)
	m.has("bazelisk", `if [[ $1 == --version ]]; then echo "bazel 7.7.1"; else echo "ran $*"; exit 3; fi`)
	out, code := m.run("--output_base", "/x y", "test", "//a", "--", "-b")
	if want := "ran --output_base /x y test //a -- -b\n"; out != want || code != 3 {
		t.Errorf("got %q, code %d, want %q, code 3", out, code, want)
	}
}

func TestMirror(t *testing.T) {
	const security = "Types: deb\nURIs: http://m.example/debian-security\nSuites: bookworm-security\n\n"
	tests := []struct{ name, file, text, want string }{
		{
			"deb822", "sources.list.d/debian.sources", security +
				"Types: deb deb-src\nURIs: http://m.example/debian/\nSuites: bookworm\n", "http://m.example/debian",
		},
		{"one line", "sources.list", "deb-src http://s.example/debian bookworm main\ndeb [arch=amd64 signed-by=/k] " +
			"https://m.example/debian bookworm main\n", "https://m.example/debian"},
		{"disabled", "sources.list.d/debian.sources", "Types: deb\nEnabled: no\nURIs: http://m.example/debian\n", ""},
		{"sources only", "sources.list.d/debian.sources", "Types: deb-src\nURIs: http://m.example/debian\n", ""},
		{"comment", "sources.list", "# deb http://m.example/debian bookworm main\n", ""},
		{"other name", "sources.list", "deb http://m.example/repo bookworm main\n", "http://m.example/repo"},
		{"security alone", "sources.list.d/debian.sources", security, ""},
		{"mirror file", "sources.list", "deb mirror+file:DIR/mirrors.list bookworm main\n", "https://cdn.example/debian"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			apt := filepath.Join(m.home, "apt")
			if err := os.MkdirAll(apt+"/sources.list.d", 0o755); err != nil {
				t.Fatal(err)
			}
			m.write(apt+"/mirrors.list", "# nearest\nhttps://cdn.example/debian\tpriority:1\n")
			m.write(filepath.Join(apt, tt.file), strings.ReplaceAll(tt.text, "DIR", apt))
			cmd := exec.Command(m.bin+"/bash", "-c", `. "$1" && debian_mirror "$2"`, "bash", m.workspace+"/bazelw", apt)
			cmd.Env = []string{"HOME=" + m.home, "PATH=" + m.bin}
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != tt.want {
				t.Errorf("got %q (%v), want %q", out, err, tt.want)
			}
		})
	}
}

func TestMakeRoot(t *testing.T) {
	forbidden := "user namespaces are not allowed"
	if os.Geteuid() == 0 {
		forbidden = "root may not mount here"
	}
	tests := []struct{ name, mmdebstrap, want string }{
		{"works", mmdebstrap, "private root ready"},
		{"no network", "echo 'E: Temporary failure resolving mirror'; exit 1", "does not answer, check the network"},
		{"disk full", "echo 'dpkg: error: No space left on device'; exit 1", "the disk is full"},
		{"no namespaces", "echo 'E: unshare failed: Operation not permitted'; exit 1", forbidden},
		{"unknown key", "echo 'NO_PUBKEY 1234'; exit 1", "install a newer debian-archive-keyring"},
		{"no such suite", "echo 'E: Unable to locate package bazel-bootstrap'; exit 1", "set DEBIAN_MIRROR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := fresh(t)
			m.has("mmdebstrap", tt.mmdebstrap)
			out, code := m.run("doctor", "--make-root")
			if !strings.Contains(out, tt.want) {
				t.Errorf("got %q, want %q", out, tt.want)
			}
			if (code == 0) != (tt.name == "works") {
				t.Errorf("got exit code %d", code)
			}
			m.noneHalfMade()
		})
	}
}

func TestMakeRootConcurrently(t *testing.T) {
	m := fresh(t)
	m.has("mmdebstrap", "echo x >>"+m.home+"/made; sleep 0.5\n"+mmdebstrap)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if out, err := m.command("doctor", "--make-root").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wait.Wait()
	made, err := os.ReadFile(m.home + "/made")
	if err != nil || string(made) != "x\n" {
		t.Errorf("made %q (%v), want once", made, err)
	}
	m.noneHalfMade()
}

func TestMakeRootKilled(t *testing.T) {
	m := fresh(t)
	m.has("mmdebstrap", "echo $$ >"+m.home+"/pid.tmp; mv "+m.home+"/pid.tmp "+m.home+"/pid; exec sleep 60")
	cmd := m.command("doctor", "--make-root")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := os.Stat(m.home + "/pid"); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if roots := m.roots(); len(roots) != 0 {
		t.Fatalf("a killed run left %q", roots)
	}
	m.has("mmdebstrap", mmdebstrap)
	if out, code := m.run("doctor", "--make-root"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	if len(m.roots()) != 1 {
		t.Errorf("got roots %q, want one", m.roots())
	}
	m.noneHalfMade()
}

// The process that makes the root ends with bazelw, and leaves nothing.
func TestMakeRootTerminated(t *testing.T) {
	m := fresh(t)
	m.has("mmdebstrap", "echo $$ >"+m.home+"/pid.tmp; mv "+m.home+"/pid.tmp "+m.home+"/pid; sleep 60")
	cmd := m.command("doctor", "--make-root")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for range 200 {
		if data, err := os.ReadFile(m.home + "/pid"); err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if pid == 0 {
		t.Fatal("mmdebstrap did not start")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	running := func() bool { // it may not have been waited for yet
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err == nil && !strings.Contains(string(stat), ") Z ")
	}
	for i := 0; running(); i++ {
		if i == 40 {
			t.Fatal("mmdebstrap continues without bazelw")
		}
		time.Sleep(50 * time.Millisecond)
	}
	m.noneHalfMade()
}

func TestHints(t *testing.T) {
	root := os.Geteuid() == 0
	tests := []struct {
		name, without, want string
		skip                bool
	}{
		{"no bwrap", "bwrap", "sudo apt-get install bubblewrap", root},
		{"no mmdebstrap", "mmdebstrap", "sudo apt-get install mmdebstrap", root},
		{"no apt-get", "bwrap", "and no apt-get to install them", !root},
		{"no go", "go", "no Go on PATH, install Go 1.26.0", false},
	}
	for _, tt := range tests {
		if tt.skip {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			m := fresh(t)
			if !root {
				m.has("apt-get", "exit 1")
			}
			if err := os.Remove(filepath.Join(m.bin, tt.without)); err != nil {
				t.Fatal(err)
			}
			out, code := m.run("build", "//x")
			if !strings.Contains(out, tt.want) || code == 0 {
				t.Errorf("got %q, code %d, want %q", out, code, tt.want)
			}
		})
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	m := newMachine(t)
	out, code := m.run("doctor")
	if code != 1 || !strings.Contains(out, "install Go 1.26.0") {
		t.Errorf("got code %d and %q", code, out)
	}
}

// A home directory may have a space: Bazel takes quoted words from its rc file.
func TestRcLines(t *testing.T) {
	script, err := os.ReadFile("../../../bazelw")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(script), "\nrc_line() {")
	body, _, end := strings.Cut(body, "\n}\n")
	if !ok || !end {
		t.Fatal("bazelw has no function rc_line")
	}
	call := "\n}\n" + `rc_line common --a=plain "--b=/home/a b" '--c="\'; rc_line build --d="it's"`
	out, err := exec.Command("bash", "-c", "rc_line() {"+body+call).CombinedOutput()
	want := "common --a=plain \"--b=/home/a b\" \"--c=\\\"\\\\\"\nbuild \"--d=it's\"\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: got\n%s\nwant\n%s", err, out, want)
	}
}
