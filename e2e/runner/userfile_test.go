package runner_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// userFileLimit is how long a command may take over a file that it cannot use.
const userFileLimit = 5 * time.Second

// userFile is a place of the command line that names a file.
type userFile struct {
	args string // FILE is replaced by it, LAYOUT by a gadget, REG by a registry
	// once means that the file is read once and may be a pipe.
	once bool
	// dir means that it may be a directory.
	dir bool
}

var userFiles = map[string]userFile{
	"gadget of run":        {args: "run FILE", once: true, dir: true},
	"gadget of inspect":    {args: "image inspect FILE", once: true, dir: true},
	"gadget of unpack":     {args: "image unpack FILE -o OUT", once: true, dir: true},
	"gadget of copy":       {args: "image copy FILE REG/copy:v1", once: true, dir: true},
	"archive of load":      {args: "image load FILE", once: true, dir: true},
	"--btf":                {args: "run LAYOUT --btf FILE", once: true},
	"--file":               {args: "run -f FILE", once: true},
	"--policy":             {args: "run LAYOUT --policy FILE", once: true},
	"--public-keys":        {args: "run LAYOUT --public-keys FILE", once: true},
	"--policy of verify":   {args: "image verify LAYOUT --policy FILE", once: true},
	"--key of verify":      {args: "image verify LAYOUT --key FILE", once: true},
	"--key of sign":        {args: "image sign REG/x:v1 --key FILE", once: true},
	"--authfile":           {args: "image pull REG/x:v1 --authfile FILE"},
	"--authfile of login":  {args: "login REG -u user -p pass --authfile FILE"},
	"--ca-file":            {args: "image pull REG/x:v1 --ca-file FILE"},
	"--ca-file of login":   {args: "login REG -u user -p pass --ca-file FILE"},
	"*.crt of --cert-dir":  {args: "image pull REG/x:v1 --cert-dir IN/ca.crt"},
	"*.cert of --cert-dir": {args: "image pull REG/x:v1 --cert-dir IN/client.cert"},
	"blob of a layout":     {args: "run BLOB"},
	"index of a layout":    {args: "run IN/index.json", dir: true},
	"build.yaml":           {args: "image build IN/build.yaml -t x:v1"},
	// which is found after the toolchain is fetched
	"source":          {args: "image build IN/program.bpf.c -t x:v1", dir: true},
	"--file of build": {args: "image build SOURCE -t x:v1 --file FILE"},
}

// place returns the arguments for a file, and links it to where they want it.
func (u userFile) place(t *testing.T, file, registry string) []string {
	t.Helper()
	dir := t.TempDir()
	layout := filepath.Join(dir, "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var args []string
	for _, a := range strings.Fields(u.args) {
		in, isIn := strings.CutPrefix(a, "IN/")
		switch {
		case isIn:
			a = filepath.Join(dir, "in")
			must(os.MkdirAll(a, 0o700))
			must(os.Symlink(file, filepath.Join(a, in)))
			if in == "index.json" {
				must(os.WriteFile(filepath.Join(a, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o600))
			}
			must(os.WriteFile(filepath.Join(a, "client.key"), nil, 0o600))
		case a == "BLOB":
			blobs, err := filepath.Glob(filepath.Join(layout, "blobs/sha256/*"))
			must(err)
			for _, b := range blobs {
				must(os.Remove(b))
				must(os.Symlink(file, b))
			}
			a = layout
		case a == "SOURCE":
			a = filepath.Join(dir, "source")
			must(os.MkdirAll(a, 0o700))
			must(os.WriteFile(filepath.Join(a, "program.bpf.c"), nil, 0o600))
		case strings.HasPrefix(a, "REG"):
			a = registry + strings.TrimPrefix(a, "REG")
		}
		a = strings.ReplaceAll(a, "FILE", file)
		a = strings.ReplaceAll(a, "LAYOUT", layout)
		args = append(args, strings.ReplaceAll(a, "OUT", filepath.Join(dir, "out")))
	}
	return args
}

// kinds makes one of each kind of file that a command cannot use.
func kinds(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	name := func(s string) string { return filepath.Join(dir, s) }
	err := errors.Join(unix.Mkfifo(name("fifo"), 0o600), os.Mkdir(name("directory"), 0o700),
		os.WriteFile(name("huge"), nil, 0o600), os.Truncate(name("huge"), 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"fifo": name("fifo"), "directory": name("directory"), "huge": name("huge"), "device": "/dev/zero",
	}
}

// TestUserFiles gives every flag and argument that names a file what it cannot use:
// one sentence soon, no hang, not the memory of the machine. A pipe without a
// writer may be waited for, but --timeout and Ctrl-C end that.
func TestUserFiles(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Config{Htpasswd: account}).Addr
	for name, u := range userFiles {
		for kind, file := range kinds(t) {
			if kind == "directory" && u.dir {
				continue // another error, of the content
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				args := u.place(t, file, registry)
				waits := kind == "fifo" && u.once
				if waits && args[0] == "run" {
					args = append(args, "--timeout", "1s")
				}
				interrupt := time.Duration(0)
				if waits && args[0] != "run" {
					interrupt = time.Second
				}
				out, code := runBounded(t, args, interrupt)
				if code != 1 && code != 2 && (interrupt == 0 || code != 130) {
					t.Errorf("%q: exit code %d\n%s", args, code, out)
				}
				if lines := strings.Count(out, "\n"); code != 130 && (lines < 1 || lines > 3) {
					t.Errorf("%q: it prints %d lines:\n%s", args, lines, out)
				}
				if strings.Contains(out, "connection refused") {
					t.Errorf("%q: the registry was contacted first\n%s", args, out)
				}
			})
		}
	}
}

// TestUserFilesInterrupted ends a run that waits for the writer of a pipe.
func TestUserFilesInterrupted(t *testing.T) {
	for name, u := range userFiles {
		if !u.once || !strings.HasPrefix(u.args, "run") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := u.place(t, kinds(t)["fifo"], "")
			if out, code := runBounded(t, args, time.Second); code != 130 || out != "" {
				t.Errorf("%q: exit code %d, want 130 without output\n%s", args, code, out)
			}
		})
	}
}

// TestPipeWithoutWriter is not waited for forever, even without an interrupt.
func TestPipeWithoutWriter(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("gadget-run", "image", "load", kinds(t)["fifo"])
	cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "the pipe had no writer for 10s") {
		t.Errorf("%v: %s", err, out)
	}
}

// runBounded runs gadget-run, sends it SIGINT after a while if that is not zero,
// and returns what it printed and its exit code. More than userFileLimit, or than
// the memory that a command may take, is an error.
func runBounded(t *testing.T, args []string, interrupt time.Duration) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*maxTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "gadget-run", args...)
	home, peak := t.TempDir(), filepath.Join(t.TempDir(), "peak")
	cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir(), "HOST_ROOT="+t.TempDir(), "HOME="+home,
		"XDG_CONFIG_HOME="+home,
		peakFile+"="+peak)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupt > 0 {
		time.AfterFunc(interrupt, func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	}
	_ = cmd.Wait()
	if took := time.Since(begin); took > interrupt+userFileLimit {
		t.Errorf("%q took %v\n%s", args, took, out.String())
	}
	if got := peakOf(t, peak, out.Bytes()); got > maxPeak {
		t.Errorf("%q took %d MiB", args, got>>20)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
