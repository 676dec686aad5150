// Package chain_test walks the whole way once: the artifact that Bazel built is
// pushed to a real registry by the push target, pulled and run by gadget-run on
// this machine's kernel, and read by skopeo.
package chain_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runfile returns the absolute path of what the environment variable names.
func runfile(t *testing.T, variable string) string {
	t.Helper()
	if os.Getenv(variable) == "" || os.Getenv("TEST_SRCDIR") == "" {
		t.Skipf("needs %s, run ./bazelw test //e2e/chain:all", variable)
	}
	return filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv(variable))
}

// registry starts Debian's docker-registry on a free loopback port and returns its address.
func registry(t *testing.T) string {
	t.Helper()
	program := runfile(t, "DOCKER_REGISTRY")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: "+
		"\"127.0.0.1:%d\"}\n", dir, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	cmd.Stderr = os.Stderr
	// The program is started by a wrapper; its group ends with the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	address := fmt.Sprintf("localhost:%d", port)
	for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + address + "/v2/"); err == nil {
			resp.Body.Close()
			return address
		}
	}
	t.Fatalf("the registry at %s does not answer", address)
	return ""
}

// push runs a push target and returns its stdout.
func push(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(runfile(t, "PUSH"), args...)
	cmd.Env = append(os.Environ(), "RUNFILES_DIR="+os.Getenv("TEST_SRCDIR"), "HOME="+t.TempDir())
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

func TestPushAll(t *testing.T) {
	prefix := registry(t) + "/gadgets"
	cmd := exec.Command(runfile(t, "PUSH_ALL"), "--repository-prefix", prefix, "--tag", "v1")
	cmd.Env = append(os.Environ(), "RUNFILES_DIR="+os.Getenv("TEST_SRCDIR"), "HOME="+t.TempDir(),
		"GADGET_PUSH_REQUEST=", "GADGET_PUSH_REQUESTS=_main/e2e/chain/push_all.push_all.json")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], prefix+"/trace_exec@") ||
		!strings.HasPrefix(lines[1], prefix+"/trace_open@") {
		t.Errorf("stdout is %q, want the references of trace_exec and trace_open", lines)
	}
	for _, name := range []string{"/trace_exec:v1", "/trace_open:v1"} {
		inspectWithSkopeo(t, prefix+name)
	}
}

func TestPushPrintsPinnedReference(t *testing.T) {
	address := registry(t)
	repository := address + "/gadgets/trace_open"
	out, err := push(t, "--repository", repository, "--tag", "v1")
	if err != nil {
		t.Fatal(err)
	}
	digest, err := os.ReadFile(runfile(t, "DIGEST"))
	if err != nil {
		t.Fatal(err)
	}
	want := repository + "@" + string(digest)
	if out != want {
		t.Errorf("stdout is %q, want %q", out, want)
	}
	again, err := push(t, "--repository", repository, "--tag", "v1")
	if err != nil || again != out {
		t.Errorf("pushing again: %q, %v; want %q", again, err, out)
	}
	inspectWithSkopeo(t, repository+":v1")
}

// inspectWithSkopeo checks that another client reads what was pushed, the index
// and each manifest.
func inspectWithSkopeo(t *testing.T, reference string) {
	t.Helper()
	var index struct {
		Manifests []struct {
			Digest   string
			Platform struct{ Architecture, OS string }
		}
	}
	skopeoInspect(t, reference, &index)
	repository := reference[:strings.LastIndex(reference, ":")]
	var archs []string
	for _, m := range index.Manifests {
		archs = append(archs, m.Platform.OS+"/"+m.Platform.Architecture)
		var manifest struct{ ArtifactType string }
		skopeoInspect(t, repository+"@"+m.Digest, &manifest)
		if manifest.ArtifactType != "application/vnd.gadget.v1+binary" {
			t.Errorf("artifactType of %s is %q", m.Digest, manifest.ArtifactType)
		}
	}
	if got := strings.Join(archs, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("skopeo sees %q, want linux/amd64 linux/arm64", got)
	}
}

// skopeoInspect reads a manifest or index with skopeo.
func skopeoInspect(t *testing.T, reference string, into any) {
	t.Helper()
	out, err := exec.Command(runfile(t, "SKOPEO"), "inspect", "--raw", "--tls-verify=false", "docker://"+
		reference).Output()
	if err != nil {
		t.Fatalf("skopeo inspect: %v", err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatal(err)
	}
}

func TestPushWithoutRepository(t *testing.T) {
	_, err := push(t)
	if err == nil || !strings.Contains(err.Error(), "--repository") {
		t.Errorf("got %v, want an error that names --repository", err)
	}
}

func TestPushToUnavailableRegistry(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	out, err := push(t, "--retry", "1", "--repository", address+"/gadgets/trace_open", "--tag", "v1")
	if err == nil || !strings.Contains(err.Error(), address) || out != "" {
		t.Errorf("got %q, %v; want an error that names %s", out, err, address)
	}
}

// event is what the test looks at of one event of trace_open.
type event struct {
	Fname string
	Fd    int
	Error string
	Flags string
	Proc  struct {
		Comm     string
		Pid, Tid int
		Creds    struct{ UID, GID int }
	}
	Timestamp time.Time
}

// runFromRegistry starts gadget-run with a reference, calls during whenever
// nothing was seen for a moment, and returns the first event that wanted accepts.
func runFromRegistry(t *testing.T, args []string, during func(), wanted func(event) bool) event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	args = append([]string{"run", "--state", t.TempDir(), "-o", "json", "--timeout", "30s"}, args...)
	cmd := exec.CommandContext(ctx, runfile(t, "GADGET_RUN"), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + cmd.Dir}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan event, 1)
	go func() {
		defer close(found)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("a line is not a JSON object: %v: %s", err, lines.Text())
				return
			}
			if wanted(e) {
				found <- e
				return
			}
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-found:
			if !ok {
				t.Fatal("gadget-run ended without the event")
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_, _ = cmd.Process.Wait()
			return e
		case <-tick.C:
			during()
		}
	}
}

func TestPullAndRun(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	repository := registry(t) + "/gadgets/trace_open"
	if _, err := push(t, "--repository", repository, "--tag", "v1"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a file of this test")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() {
		if f, err := os.Open(file); err == nil {
			f.Close()
		}
		_, _ = os.Open(file + ".missing")
	}
	before := time.Now()
	got := runFromRegistry(t, []string{repository + ":v1"}, open, func(e event) bool { return e.Fname == file })
	if got.Proc.Pid != os.Getpid() || got.Proc.Creds.UID != 0 || got.Fd < 3 || got.Error != "" {
		t.Errorf("got %+v, want the open of this process", got)
	}
	if !regexp.MustCompile(`\bO_CLOEXEC\b`).MatchString(got.Flags) {
		t.Errorf("flags are %q, want O_CLOEXEC among them", got.Flags)
	}
	if got.Timestamp.Before(before.Add(-time.Second)) || got.Timestamp.After(time.Now().Add(time.Second)) {
		t.Errorf("timestamp is %v, want about %v", got.Timestamp, before)
	}
	failed := runFromRegistry(t, []string{repository + ":v1", "--failed"}, open, func(e event) bool {
		if e.Error == "" {
			t.Errorf("--failed showed an open that worked: %+v", e)
		}
		return e.Fname == file+".missing"
	})
	if failed.Error != "ENOENT" {
		t.Errorf("error is %q, want ENOENT", failed.Error)
	}
}
