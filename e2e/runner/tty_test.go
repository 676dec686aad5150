package runner_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
)

// account is the htpasswd line of the user alice with accountPassword.
const (
	account         = "alice:$2a$04$PZOLuhf/YlDg2a9ZVKpPfON0gQoUu4k7H3PMk03dL3aDgzXDqpx.6\n"
	accountPassword = "s3cret with spaces"
)

// ttyPatience bounds how long a command at the terminal may take.
const ttyPatience = 20 * time.Second

// terminal is a pseudo terminal with a command at it.
type terminal struct {
	t       *testing.T
	ours    *os.File // what a person has: keyboard and screen
	theirs  *os.File
	command *exec.Cmd

	mu     sync.Mutex
	screen bytes.Buffer
	ended  chan struct{} // closed when all is on the screen
}

// atTerminal starts gadget-run with a terminal as its standard streams.
func atTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	ours, theirs := clitest.Terminal(t, 80)
	c := exec.Command("gadget-run", args...)
	c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
	c.Env = append(os.Environ(), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, ours: ours, theirs: theirs, command: c, ended: make(chan struct{})}
	go term.read()
	return term
}

func (term *terminal) read() {
	defer close(term.ended)
	buf := make([]byte, 4096)
	for {
		n, err := term.ours.Read(buf)
		term.mu.Lock()
		term.screen.Write(buf[:n])
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (term *terminal) shown() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return strings.ReplaceAll(term.screen.String(), "\r\n", "\n")
}

// expect waits until text is on the screen.
func (term *terminal) expect(text string) {
	term.t.Helper()
	for deadline := time.Now().Add(ttyPatience); !strings.Contains(term.shown(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			term.t.Fatalf("no %q on the screen:\n%s", text, term.shown())
		}
	}
}

// echoes reports whether the terminal shows what is typed.
func (term *terminal) echoes() bool {
	term.t.Helper()
	state, err := unix.IoctlGetTermios(int(term.theirs.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// waitSecret waits until the terminal does not show what is typed.
func (term *terminal) waitSecret() {
	term.t.Helper()
	for deadline := time.Now().Add(ttyPatience); term.echoes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			term.t.Fatal("the terminal still shows what is typed")
		}
	}
}

func (term *terminal) typeIn(text string) {
	term.t.Helper()
	if _, err := term.ours.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// exit waits for the command and what it wrote, and returns its exit code. The
// terminal must be as it was before.
func (term *terminal) exit() int {
	term.t.Helper()
	timer := time.AfterFunc(ttyPatience, func() { _ = term.command.Process.Kill() })
	defer timer.Stop()
	_ = term.command.Wait()
	if !term.echoes() {
		term.t.Error("the terminal no longer shows what is typed")
	}
	term.theirs.Close()
	<-term.ended
	return term.command.ProcessState.ExitCode()
}

// ownFiles keeps a command away from the files of the user.
func ownFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return []string{
		"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "GADGET_RUN_REGISTRIES=/dev/null",
		"GADGET_RUN_STATE=" + filepath.Join(dir, "state"), "REGISTRY_AUTH_FILE=" + filepath.Join(dir, "auth.json"),
	}
}

func TestLoginPromptWithoutEcho(t *testing.T) {
	addr, env := registrytest.Start(t, registrytest.Config{Htpasswd: account}).Addr, ownFiles(t)
	term := atTerminal(t, env, "login", addr)
	term.expect("Username: ")
	term.typeIn("alice\n")
	term.expect("Password: ")
	term.waitSecret()
	term.typeIn(accountPassword + "\n")
	if code := term.exit(); code != cli.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, term.shown())
	}
	term.expect("Login Succeeded!")
	if strings.Contains(term.shown(), accountPassword) {
		t.Errorf("the password is on the screen:\n%s", term.shown())
	}
	user := atTerminal(t, env, "login", addr, "--get-login")
	if user.exit(); strings.TrimSpace(user.shown()) != "alice" {
		t.Errorf("logged in as %q", user.shown())
	}
}

func TestInterruptedPrompt(t *testing.T) {
	env := ownFiles(t)
	for prompt, args := range map[string][]string{
		"Username: ": {"login", "127.0.0.1:1"},
		"Password: ": {"login", "127.0.0.1:1", "-u", "alice"},
	} {
		term := atTerminal(t, env, args...)
		term.expect(prompt)
		if prompt == "Password: " {
			term.waitSecret()
		}
		term.typeIn("\x03")
		if code := term.exit(); code != cli.ExitInterrupted {
			t.Errorf("%s: exit code %d, want %d:\n%s", prompt, code, cli.ExitInterrupted, term.shown())
		}
		if strings.Contains(term.shown(), "gadget-run:") {
			t.Errorf("%s: an error in addition to the interruption:\n%s", prompt, term.shown())
		}
	}
}

// TestTerminalOutput checks what differs at a terminal: a reference is not printed
// twice, and no archive lands on it.
func TestTerminalOutput(t *testing.T) {
	addr, env, layout := registrytest.Start(t, registrytest.Config{}).Addr, ownFiles(t),
		filepath.Join(makeLayouts(t), "open")
	name := addr + "/tty/open:v1"
	for _, step := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"image", "load", "-t", name, layout}, "Successfully loaded " + name + "@sha256:", cli.ExitOK},
		{[]string{"image", "push", name}, "Successfully pushed " + name + "@sha256:", cli.ExitOK},
		{[]string{"image", "pull", name}, "Successfully pulled " + name + "@sha256:", cli.ExitOK},
		{[]string{"image", "tag", name, name + "2"}, "Successfully tagged with " + name + "2@sha256:", cli.ExitOK},
		{[]string{"-q", "image", "pull", name}, name + "@sha256:", cli.ExitOK},
		{[]string{"image", "save", name}, "refusing to write an archive to a terminal", cli.ExitUsage},
		{[]string{"image", "build", "-o", "type=tar", layout}, "refusing to write an archive to a terminal", cli.ExitUsage},
	} {
		term := atTerminal(t, env, step.args...)
		if code := term.exit(); code != step.code {
			t.Errorf("%q: exit code %d, want %d:\n%s", step.args, code, step.code, term.shown())
		}
		term.expect(step.want)
		if n := strings.Count(term.shown(), "@sha256:"); step.code == cli.ExitOK && n != 1 {
			t.Errorf("%q: the reference is shown %d times:\n%s", step.args, n, term.shown())
		}
	}
}

// slowBody gives a few bytes at a time.
type slowBody struct{ io.ReadCloser }

func (b slowBody) Read(p []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return b.ReadCloser.Read(p[:min(len(p), 256)])
}

// slowRegistry is a way to a registry on which blobs take their time.
func slowRegistry(t *testing.T, addr string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: addr}) },
		ModifyResponse: func(r *http.Response) error {
			if strings.Contains(r.Request.URL.Path, "/blobs/") {
				r.Body = slowBody{r.Body}
			}
			return nil
		},
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) {}, // a pull that was interrupted
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// TestLongPull shows a bar, and ends at once on Ctrl-C.
func TestLongPull(t *testing.T) {
	addr, env, layout := registrytest.Start(t, registrytest.Config{}).Addr, ownFiles(t),
		filepath.Join(makeLayouts(t), "open")
	name := "/tty/slow:v1"
	for _, args := range [][]string{{"load", "-t", addr + name, layout}, {"push", addr + name}} {
		if term := atTerminal(t, env, append([]string{"image"}, args...)...); term.exit() != cli.ExitOK {
			t.Fatalf("%q: %s", args, term.shown())
		}
	}
	slow := slowRegistry(t, addr)
	term := atTerminal(t, ownFiles(t), "image", "pull", slow+name)
	term.expect("KiB of ")
	if code := term.exit(); code != cli.ExitOK || !strings.HasSuffix(strings.TrimSpace(term.shown()), "tty/slow:v1@"+
		digestIn(term.shown())) {
		t.Errorf("exit code %d:\n%s", code, term.shown())
	}
	term = atTerminal(t, ownFiles(t), "image", "pull", slow+name)
	term.expect("KiB of ")
	begin := time.Now()
	term.typeIn("\x03")
	if code := term.exit(); code != cli.ExitInterrupted || time.Since(begin) > ttyPatience/2 {
		t.Errorf("exit code %d after %v, want %d at once:\n%s", code, time.Since(begin), cli.ExitInterrupted, term.shown())
	}
}

// TestLongPullOfDumbTerminal shows no bar where a line cannot be cleared.
func TestLongPullOfDumbTerminal(t *testing.T) {
	addr, env, layout := registrytest.Start(t, registrytest.Config{}).Addr, ownFiles(t),
		filepath.Join(makeLayouts(t), "open")
	name := "/tty/dumb:v1"
	for _, args := range [][]string{{"load", "-t", addr + name, layout}, {"push", addr + name}} {
		if term := atTerminal(t, env, append([]string{"image"}, args...)...); term.exit() != cli.ExitOK {
			t.Fatalf("%q: %s", args, term.shown())
		}
	}
	term := atTerminal(t, append(ownFiles(t), "TERM=dumb"), "image", "pull", slowRegistry(t, addr)+name)
	if code := term.exit(); code != cli.ExitOK || strings.Contains(term.shown(), "\x1b") {
		t.Errorf("exit code %d:\n%q", code, term.shown())
	}
}

// digestIn returns the last digest on the screen.
func digestIn(screen string) string {
	at := strings.LastIndex(screen, "sha256:")
	if at < 0 {
		return "none"
	}
	return strings.Fields(screen[at:])[0]
}
