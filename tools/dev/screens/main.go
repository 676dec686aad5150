// Command screens writes the pictures of docs/screens: what a terminal shows after
// a command of gadget-run, as SVG. It needs root, tmux, and gadget-run and the
// artifact of trace_open, trace_open.tar, in the directory that it runs the commands in.
// The first command of README.md runs in the checkout, which is built before:
//
//	go run ./tools/dev/screens DIR [NAME...]
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// screen is one picture: a command in a terminal of that many columns.
type screen struct {
	name      string
	title     string // what the picture shows, for those who cannot see it
	columns   int
	lines     int // how many lines of it are drawn, 0 for all
	command   string
	meanwhile string // a command that runs a second after it, outside the picture
	here      bool   // whether it runs in the checkout, not in the directory of the artifact
}

var screens = []screen{
	{
		name: "first", columns: 100, title: "Bazel builds a gadget and runs it: who opens /etc/hostname and /etc/hosts",
		command: "./bazelw run //gadgets/trace_open:run -- -F 'fname~^/etc/host' --timeout 5s",
		meanwhile: "for i in $(seq 12); do cat /etc/hostname /etc/hosts.d; getent hosts localhost; sleep 3; done " +
			">/dev/null 2>&1",
		here: true,
	},
	{
		name: "run", columns: 110, title: "gadget-run shows the files that processes open",
		command:   "gadget-run run ./trace_open.tar -F 'proc.comm~^(cat|grep|ls)$' -F 'fname~^/(etc|var)/' --timeout 3s",
		meanwhile: "sleep 0.5; cat /etc/hostname /etc/nonexistent; grep -c root /etc/passwd; ls /var/log",
	},
	{
		name: "inspect", columns: 100, title: "What an artifact is, before it is run",
		command: "gadget-run image inspect ./trace_open.tar",
	},
	{
		name: "doctor", columns: 100, lines: 33, title: "What a node can run, and what it lacks",
		command: "gadget-run doctor",
	},
	{
		name: "refusal", columns: 100, title: "A gadget that is not signed is refused",
		command: "gadget-run run localhost:5000/gadgets/trace_open:v1 --public-keys acme.pub",
	},
	{
		name: "typo", columns: 100, title: "An error names the next thing to type",
		command: "gadget-run run ./trace_open.tar --faild; gadget-run run ./trace_open.tar --fields=comm,fnam",
	},
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: screens DIR [NAME...]")
	}
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if err := prepare(ctx, dir); err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	for _, s := range screens {
		if len(args) > 1 && !slices.Contains(args[1:], s.name) {
			continue
		}
		text, err := capture(ctx, dir, s)
		if err != nil {
			return fmt.Errorf("showing %q: %w", s.command, err)
		}
		file := filepath.Join("docs", "screens", s.name+".svg")
		if err := os.WriteFile(file, render(s, parse(text)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// unsigned makes a key and an artifact in a registry that it has not signed.
const unsigned = `export COSIGN_PASSWORD=; [ -e acme.pub ] || gadget-run -q image keygen acme
gadget-run -q image load -t localhost:5000/gadgets/trace_open:v1 trace_open.tar &&
gadget-run -q image push localhost:5000/gadgets/trace_open:v1 && gadget-run -q image rm localhost:5000/gadgets/trace_open:v1`

// prepare serves a registry until the process ends and fills it.
func prepare(ctx context.Context, dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:5000")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(l, registry.New(registry.Logger(log.New(io.Discard, "", 0)))) }()
	cmd := exec.CommandContext(ctx, "sh", "-c", unsigned)
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, environment(dir)
	return cmd.Run()
}

// environment is that of all commands: the programs and the store of dir.
func environment(dir string, more ...string) []string {
	return append(append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GADGET_RUN_STATE="+filepath.Join(dir, "state")),
		more...)
}

// typed is what tmux runs: the command as if it had been typed, and a sign that it is done.
const typed = `printf '$ %s\n' "$SCREEN"; eval "$SCREEN"; tmux -L "$SOCKET" wait-for -S done; exec sleep 60`

// capture runs the command of a screen in a terminal of its own and returns what it
// shows at the end, with the escape sequences of its attributes.
func capture(ctx context.Context, dir string, s screen) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	socket := fmt.Sprintf("screens-%d-%s", os.Getpid(), s.name)
	tmux := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "tmux", append([]string{"-f", "/dev/null", "-L", socket}, args...)...)
		if !s.here {
			cmd.Dir = dir
		}
		cmd.Stderr = os.Stderr
		cmd.Env = environment(dir, "SCREEN="+s.command, "SOCKET="+socket, "TMUX=")
		return cmd
	}
	if err := tmux("new-session", "-d", "-x", strconv.Itoa(s.columns), "-y", "200", "bash", "-c",
		typed).Run(); err != nil {
		return "", fmt.Errorf("starting tmux: %w", err)
	}
	defer func() { _ = tmux("kill-server").Run() }()
	if s.meanwhile != "" {
		cmd := exec.CommandContext(ctx, "sh", "-c", "sleep 1; "+s.meanwhile+"; true")
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("running %q: %w", s.meanwhile, err)
		}
	}
	if err := tmux("wait-for", "done").Run(); err != nil {
		return "", fmt.Errorf("waiting for the end: %w", err)
	}
	out, err := tmux("capture-pane", "-p", "-e").Output()
	return string(out), err
}
