package firstgadget

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

const (
	page = "docs/howto/first-gadget.md"
	// pageRegistry is the registry that the page names.
	pageRegistry = "localhost:5000"
	// elsewhere starts the section whose commands run on another machine.
	elsewhere = "6. "
)

// reader is a user who follows the page: what they type goes to a shell, in the
// directory where the last command left it.
type reader struct {
	t       *testing.T
	root    string // of the checkout
	base    string // directory for all
	machine string // directory of the machine that they sit at
	dir     string
	env     []string
	replace *strings.Replacer
	files   int
}

// TestFirstGadget writes every file and runs every command of the page: the first
// machine builds, runs, pushes and signs, the second one, which has another store
// and only the key, runs the artifact.
func TestFirstGadget(t *testing.T) {
	base := os.Getenv("FIRST_GADGET_DIR")
	if base == "" {
		t.Skip("needs a directory for workspaces, run it with tools/dev/examples first_gadget")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t, root, base)
	r.useMachine("one")
	for _, b := range blocks(string(text)) {
		switch {
		case strings.HasPrefix(b.section, elsewhere) && filepath.Base(r.machine) == "one":
			key := r.read("release.pub")
			r.useMachine("two")
			r.write("release.pub", key)
			fallthrough
		case b.language == "sh":
			r.run(b)
		case b.file != "":
			r.write(b.file, b.body)
		default:
			t.Errorf("a block of %q is neither a command nor a file that the text names:\n%s", b.section, b.body)
		}
	}
	if filepath.Base(r.machine) != "two" || r.files < 4 {
		t.Errorf("the page ended on machine %q after %d files, want a section %q and 4 files or more", r.machine, r.files,
			elsewhere)
	}
	r.refusesOtherKey()
}

func newReader(t *testing.T, root, base string) *reader {
	t.Helper()
	registry := registrytest.Start(t, registrytest.Config{}).Addr
	r := &reader{t: t, root: root, base: base, replace: strings.NewReplacer(pageRegistry, registry)}
	bin := filepath.Join(base, "bin")
	r.tool(bin, "sudo", `exec "$@"`)
	// Without this bazel in PATH: bazelw prefers the one that it finds there.
	r.tool(bin, "bazel", fmt.Sprintf(`command=$1; shift
PATH=%q exec %q %s "$command" --override_module=rules_gadget=%q %s "$@"`,
		os.Getenv("PATH"), filepath.Join(root, "bazelw"), os.Getenv("FIRST_GADGET_STARTUP"), root,
		os.Getenv("FIRST_GADGET_FLAGS")))
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "gadget-run"), "./runner")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building gadget-run: %v\n%s", err, out)
	}
	r.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "COSIGN_PASSWORD=secret")
	return r
}

// tool writes a shell script in place of a program that the page needs.
func (r *reader) tool(dir, name, script string) {
	r.t.Helper()
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// useMachine switches to a machine: an empty directory, and its own store.
func (r *reader) useMachine(machine string) {
	r.t.Helper()
	r.machine = filepath.Join(r.base, machine)
	r.dir = r.machine
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) read(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func (r *reader) write(name, body string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(body), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.files++
}

// run types a block. While it runs, directories are made, so that a gadget
// that it starts has something to show; one that shows events must show those.
func (r *reader) run(b block) {
	r.t.Helper()
	made := filepath.Join(r.base, "made")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				_ = os.Mkdir(made, 0o755)
			}
		}
	}()
	out, err := r.shell(b.body)
	close(stop)
	<-done
	if err != nil {
		r.t.Fatalf("section %q: %v\n%s%s", b.section, err, b.body, out)
	}
	if strings.Contains(b.body, "--timeout") && !strings.Contains(out, made) {
		r.t.Fatalf("section %q shows no event of %s\n%s%s", b.section, made, b.body, out)
	}
}

// shell runs commands and remembers where they went.
func (r *reader) shell(commands string) (string, error) {
	at := filepath.Join(r.base, "cwd")
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", r.replace.Replace(commands)+"\npwd >"+at)
	cmd.Dir, cmd.Env = r.dir, append(slices.Clone(r.env), "GADGET_RUN_STATE="+filepath.Join(r.machine, "state"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), err
	}
	where, err := os.ReadFile(at)
	r.dir = strings.TrimSpace(string(where))
	return string(out), err
}

// refusesOtherKey is the counterproof: with another key nothing runs.
func (r *reader) refusesOtherKey() {
	r.t.Helper()
	out, err := r.shell("gadget-run image keygen other\n! gadget-run run --public-keys other.pub --timeout 1s " +
		pageRegistry + "/gadgets/trace_mkdir:v1")
	if err != nil || !strings.Contains(out, "is refused by") {
		r.t.Errorf("with another key: %v\n%s", err, out)
	}
}
