// Package runner_test tries gadget-run as a whole: command lines, terminals, registries and
// gadgets that do harm, outputs that are not read, and ends at any moment.
package runner_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gadget-run": func() {
		code := app.Main()
		writePeak()
		os.Exit(code)
	}})
}

func TestScripts(t *testing.T) { runScripts(t, "testdata/script", "") }

// TestReference walks through what the reference documents specify of the program
// itself; what they specify of images is tested next to those commands.
func TestReference(t *testing.T) { runScripts(t, "testdata/reference", "") }

// TestRegistry runs the scripts that need a real registry.
func TestRegistry(t *testing.T) {
	runScripts(t, "testdata/registry", registrytest.Start(t, registrytest.Config{}).Addr)
}

func runScripts(t *testing.T, dir, registry string) {
	layouts := makeLayouts(t)
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GADGET_RUN_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("HOME", e.WorkDir)
			// Container runtimes of this machine change what is shown.
			e.Setenv("HOST_ROOT", filepath.Join(e.WorkDir, "host"))
			e.Setenv("GADGET_RUN_REGISTRIES", filepath.Join(e.WorkDir, "registries.conf"))
			e.Setenv("LAYOUTS", layouts)
			e.Setenv("REG", registry)
			// One repository for each script, since the registry is shared.
			e.Setenv("NAME", strings.ToLower(filepath.Base(e.WorkDir)))
			e.Setenv("HOSTARCH", runtime.GOARCH)
			return os.WriteFile(filepath.Join(e.WorkDir, "registries.conf"), nil, 0o644)
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"jsonlines": jsonLines, "truncateblobs": truncateBlobs, "unattached": unattached,
			"listen": listen, "ready": ready,
		},
	})
}

// makeLayouts writes a layout for each object of the fixtures.
func makeLayouts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	host, other := arch.Host(), arch.ARM64
	if host == other {
		other = arch.AMD64
	}
	write := func(name string, object, metadata []byte, archs ...arch.Arch) {
		t.Helper()
		if err := gadgettest.WriteLayout(filepath.Join(dir, name), object, metadata, archs...); err != nil {
			t.Fatal(err)
		}
	}
	open, yaml := gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml")
	write("open", open, yaml, host, other)
	write("other", open, yaml, other)
	write("rejected", gadgettest.File(t, "rejected.bpf.o"), nil, host)
	write("nopoint", gadgettest.File(t, "attach.bpf.o"), gadgettest.File(t, "nopoint.yaml"), host)
	write("counts", gadgettest.File(t, "counts.bpf.o"), gadgettest.File(t, "counts.yaml"), host)
	write("defaults", gadgettest.File(t, "counts.bpf.o"), gadgettest.File(t, "defaults.yaml"), host)
	write("contained", gadgettest.File(t, "contained.bpf.o"), nil, host)
	write("contained_user", gadgettest.File(t, "contained_user.bpf.o"), nil, host)
	write("types", gadgettest.File(t, "types.bpf.o"), nil, host)
	return dir
}

// condition supports [root]: eBPF programs can be loaded.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return gadgettest.CanLoad() == nil, nil
	case "setpriv":
		_, err := exec.LookPath("setpriv")
		return gadgettest.CanLoad() == nil && err == nil, nil
	}
	return false, nil
}

// jsonLines checks that stdout is lines of JSON objects, at least
// as many as its argument specifies.
func jsonLines(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	for _, l := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			ts.Fatalf("no JSON object: %q: %v", l, err)
		}
		for _, key := range args {
			if _, ok := v[key]; !ok {
				ts.Fatalf("no %q in %s", key, l)
			}
		}
	}
}

// listen lets the next gadget-run report when it is ready.
func listen(ts *testscript.TestScript, _ bool, _ []string) {
	name := fmt.Sprintf("@gadget-run-test-%d-%d", os.Getpid(), sockets.Add(1))
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	ts.Setenv("NOTIFY_SOCKET", name)
	listeners.Store(name, conn)
}

var (
	sockets   atomic.Int64
	listeners sync.Map // of net.UnixConn, by name
)

// ready waits until the gadget-run that was started after listen is ready.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	found, _ := listeners.LoadAndDelete(ts.Getenv("NOTIFY_SOCKET"))
	conn, ok := found.(*net.UnixConn)
	if !ok {
		ts.Fatalf("ready comes after listen")
	}
	ts.Setenv("NOTIFY_SOCKET", "")
	ts.Check(conn.SetReadDeadline(time.Now().Add(readyPatience)))
	message := make([]byte, 64)
	n, err := conn.Read(message)
	ts.Check(err)
	if got := string(message[:n]); got != "READY=1" {
		ts.Fatalf("the runner sent %q, want READY=1", got)
	}
}

// readyPatience bounds how long a gadget may take to be attached.
const readyPatience = time.Minute

// truncateBlobs damages every blob of a layout that is an object: truncateblobs
// LAYOUT (cut|remove).
func truncateBlobs(ts *testscript.TestScript, _ bool, args []string) {
	blobs, err := filepath.Glob(ts.MkAbs(args[0]) + "/blobs/sha256/*")
	ts.Check(err)
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		ts.Check(err)
		if !strings.HasPrefix(string(data), "\x7fELF") {
			continue
		}
		if args[1] == "remove" {
			ts.Check(os.Remove(b))
			continue
		}
		data[len(data)-1]++
		ts.Check(os.WriteFile(b, data, 0o644))
	}
}

// unattached checks that no program of the name stays in the kernel without a
// process: others may run gadgets at the same time.
func unattached(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(waitUnattached(args[0]))
}
