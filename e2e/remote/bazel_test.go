package remote

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// target is what every test builds.
const target = "//gadgets/trace_open:image"

// workspace is this checkout, or a clone of it with a home and an output base of its
// own, as on another machine.
type workspace struct {
	dir, base string
	env       []string
}

// spawn is one action of Bazel's execution log.
type spawn struct {
	TargetLabel string `json:"targetLabel"`
	Mnemonic    string `json:"mnemonic"`
	Runner      string `json:"runner"`
	CacheHit    bool   `json:"cacheHit"`
}

// newWorkspace clones the committed and new files of the checkout into name,
// below the user's cache: the sandbox of actions replaces /tmp by an empty one.
func newWorkspace(t *testing.T, name string) *workspace {
	t.Helper()
	root := os.Getenv("REMOTE_TEST_DIR")
	if root == "" {
		t.Skip("needs a directory for clones, run it with tools/dev/remote")
	}
	w := &workspace{dir: filepath.Join(root, name, "checkout"), base: filepath.Join(root, name, "base")}
	home := filepath.Join(root, name, "home")
	for _, dir := range []string{w.dir, home} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyCheckout(t, w.dir)
	w.env = append(os.Environ(), "HOME="+home, "USER="+strings.ReplaceAll(name, " ", "-"))
	t.Cleanup(func() {
		if out, err := w.bazel("shutdown"); err != nil {
			t.Logf("shutting down: %v\n%s", err, out)
		}
	})
	return w
}

func copyCheckout(t *testing.T, dir string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "-co", "--exclude-standard")
	list.Dir = os.Getenv("REMOTE_TEST_CHECKOUT")
	names, err := list.Output()
	if err != nil {
		t.Fatalf("listing the checkout: %v", err)
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		copyFile(t, filepath.Join(list.Dir, name), filepath.Join(dir, name))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return // deleted and not yet committed
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if info.Mode()&os.ModeSymlink != 0 {
		link, err := os.Readlink(from)
		if err == nil {
			err = os.Symlink(link, to)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, info.Mode().Perm())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// bazel runs one command of Bazel and returns what it printed.
func (w *workspace) bazel(command string, args ...string) (string, error) {
	args = append([]string{command}, args...)
	if w.base != "" {
		args = append([]string{"--output_base=" + w.base}, args...)
	}
	cmd := exec.Command("./bazelw", args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// plainDigest builds target as usual, with the disk cache of this
// machine, and returns the digest of the artifact.
func plainDigest(t *testing.T) string {
	t.Helper()
	_, digest := newWorkspace(t, "plain").build(t, "--disk_cache="+os.Getenv("XDG_CACHE_HOME")+"/rules_gadget/disk")
	return digest
}

// build builds target without the disk cache, unless args name one, and returns
// its actions, none of which are Bazel's own, and the digest of the artifact.
func (w *workspace) build(t *testing.T, args ...string) ([]spawn, string) {
	t.Helper()
	log := filepath.Join(filepath.Dir(w.dir), "spawns.json")
	all := append([]string{
		"--color=no", "--curses=no", "--noshow_progress", "--disk_cache=", "--execution_log_json_file=" + log,
		"--output_groups=default,digest",
	}, args...)
	out, err := w.bazel("build", append(all, target)...)
	if err != nil {
		t.Fatalf("building %s: %v\n%s", target, err, out)
	}
	t.Log(lastLines(out, 6))
	if contains(args, "--remote_download_minimal") {
		return readSpawns(t, log), ""
	}
	return readSpawns(t, log), w.digest(t)
}

// digest returns the digest of the artifact that was built last.
func (w *workspace) digest(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "bazel-bin/gadgets/trace_open/image.digest"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func readSpawns(t *testing.T, file string) []spawn {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []spawn
	for dec := json.NewDecoder(bufio.NewReader(bytes.NewReader(data))); ; {
		var s spawn
		if err := dec.Decode(&s); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("reading the execution log: %v", err)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		t.Fatal("the execution log names no action, so nothing is proven")
	}
	return all
}

// misses lists the actions that want does not hold for.
func misses(all []spawn, want func(spawn) bool) string {
	var b strings.Builder
	for _, s := range all {
		if !want(s) {
			fmt.Fprintf(&b, "\n  %s of %s (%s)", s.Mnemonic, s.TargetLabel, s.Runner)
		}
	}
	return b.String()
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
