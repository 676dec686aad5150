package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

// What a command may take. Time is that of the processor, so that a busy machine
// does not matter; what waits forever is ended after maxWait.
const (
	maxRSS      = 100 << 20
	maxBuildRSS = 200 << 20 // with the compiler, whose memory counts as its parent's
	maxTime     = 5 * time.Second
	maxWait     = time.Minute
	maxStderr   = 16 << 10 // a sentence, and what a compiler says
)

// command is what is done with a mutant: command lines one after the other, until one
// fails. IN is the mutant, GOOD a sound layout, OUT a new file, CACHE the directory
// of the compiler, and REF a name.
type command struct {
	name   string
	lines  []string
	memory int64 // that it may take, in bytes; 0 means maxRSS
}

var artifactCommands = []command{
	{"image inspect", []string{"image inspect IN"}, 0},
	{"image inspect -o json", []string{"image inspect -o json IN"}, 0},
	{"run --help", []string{"run IN --help"}, 0},
	{"image unpack", []string{"image unpack IN -o OUT"}, 0},
	{"image diff", []string{"image diff GOOD IN", "image diff -o json IN GOOD"}, 0},
	{"image verify", []string{"image verify --offline IN"}, 0},
	{"image load, list", []string{"image load -t REF IN", "image list", "image inspect -o yaml REF", "image fsck"}, 0},
	{"image load, save", []string{"image load -t REF IN", "image save -o OUT REF", "image load OUT"}, 0},
	{"image load, save docker", []string{
		"image load -t REF IN", "image save --format docker -o OUT REF", "image load OUT",
	}, 0},
}

var runCommand = command{"run", []string{"run IN -o json --timeout 100ms --pull never"}, 0}

var storeCommands = []command{
	{"image list", []string{"image list -o json", "image list"}, 0},
	{"image inspect", []string{"image inspect REF"}, 0},
	{"run --help", []string{"run --pull never REF --help"}, 0},
	{"image save", []string{"image save -o OUT REF"}, 0},
	{"image save docker", []string{"image save --format docker -o OUT REF"}, 0},
	{"image unpack", []string{"image unpack REF -o OUT"}, 0},
	{"image du", []string{"image du"}, 0},
	{"image fsck", []string{"image fsck"}, 0},
	{"image fsck --repair", []string{"image fsck --repair", "image fsck", "image list"}, 0},
	{"image rm", []string{"image rm REF"}, 0},
	{"image tag", []string{"image tag REF localhost:1/other:v1"}, 0},
	{"image prune", []string{"image prune --all"}, 0},
	{"image load", []string{"image load -t REF GOOD", "image inspect REF"}, 0},
}

var sourceCommands = []command{
	{"image build", []string{build}, maxBuildRSS},
	{"image build --update-metadata", []string{build + " --update-metadata"}, maxBuildRSS},
}

const build = "image build IN --no-cache --cache CACHE --go /bin/false -o type=oci,dest=OUT"

// args returns the arguments of a line for the mutant in dir.
func (c config) args(line, dir, good string) []string {
	out := filepath.Join(dir, "out")
	places := map[string]string{
		"IN": filepath.Join(dir, "in"), "OUT": out, "GOOD": good, "REF": storedName, "CACHE": c.cache,
		"type=oci,dest=OUT": "type=oci,dest=" + out,
	}
	fields := strings.Fields(line)
	for i, f := range fields {
		if path, ok := places[f]; ok {
			fields[i] = path
		}
	}
	return fields
}

// outcome is what a process did.
type outcome struct {
	code           int
	stdout, stderr string
	rss            int64 // the most memory, in bytes; at least that of this process, which it begins with
	cpu            time.Duration
	killed         bool // after maxWait
}

// try runs one command line with a home and a store of its own.
func try(runner, dir string, args []string) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, runner, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"GADGET_RUN_STATE=" + filepath.Join(dir, "state"), "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this process alone
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{}, err
	}
	out := outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	out.killed = ctx.Err() != nil
	out.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.rss = usage.Maxrss << 10
	}
	return out, nil
}

// panicked matches what the Go runtime, or what recovers for it, says of a panic.
var panicked = regexp.MustCompile(`internal error|goroutine \d|panic: |(?m:^fatal error: )`)

// fault describes what a process did that it must not, "" for nothing.
// memory is how much it may have taken.
func (o outcome) fault(memory int64) string {
	_, sentence, _ := strings.Cut("\n"+o.stderr, "\ngadget-run: ")
	switch {
	case o.killed:
		return fmt.Sprintf("no end after %v", maxWait)
	case o.code < 0 || o.code > 2:
		return fmt.Sprintf("exit code %d", o.code)
	case panicked.MatchString(o.stderr):
		return "a panic"
	case o.code != 0 && strings.TrimSpace(sentence) == "":
		return "no sentence"
	case len(o.stderr) > maxStderr:
		return fmt.Sprintf("%d bytes of stderr", len(o.stderr))
	case raw(o.stdout) || raw(o.stderr):
		return "characters that are not printable"
	case o.rss > memory:
		return fmt.Sprintf("%d MiB", o.rss>>20)
	case o.cpu > maxTime:
		return fmt.Sprintf("it took %v of the processor", o.cpu.Round(time.Millisecond))
	}
	return ""
}

// raw reports whether a text would do something to a terminal.
func raw(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool {
		return c != '\n' && c != '\t' && (unicode.IsControl(c) || !printable.Rune(c))
	})
}
