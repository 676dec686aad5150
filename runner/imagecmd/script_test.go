package imagecmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/imagecmd"
)

// app is the part of gadget-run's command line that is tested here.
type app struct {
	State   string `env:"GADGET_RUN_STATE"`
	Verbose bool   `short:"v"`
	Quiet   bool   `short:"q"`

	Image  imagecmd.Image  `cmd:""`
	Login  imagecmd.Login  `cmd:""`
	Logout imagecmd.Logout `cmd:""`
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gadget-run": func() {
		err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		if err != nil {
			fmt.Fprintf(os.Stderr, "gadget-run: %v\n", err)
		}
		os.Exit(cli.ExitCode(err))
	}})
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	var a app
	parser, err := kong.New(&a, kong.Name("gadget-run"), kong.Writers(stdout, stderr))
	if err != nil {
		return err
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		return cli.Usage(err)
	}
	return kctx.Run(&cli.Globals{
		Ctx: context.Background(), Stdin: stdin, Stdout: stdout, Stderr: cli.Serial(stderr),
		State: a.State, Verbose: a.Verbose, Quiet: a.Quiet,
	})
}

// account is the htpasswd line of the registry with authentication: the user
// alice, whose password is in login.txtar.
const account = "alice:$2a$04$PZOLuhf/YlDg2a9ZVKpPfON0gQoUu4k7H3PMk03dL3aDgzXDqpx.6\n"

func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// TestReference walks through the examples of the documents that the commands
// come from, section by section: those of ig's image commands, and of img.
func TestReference(t *testing.T) { runScripts(t, "testdata/reference") }

func runScripts(t *testing.T, dir string) {
	open := registrytest.Start(t, registrytest.Config{})
	broken := registrytest.NewProxy(t, open.Addr, func(r *http.Request, _ int) registrytest.Fault {
		return registrytest.Fault{Corrupt: r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/")}
	})
	readOnly := registrytest.NewProxy(t, open.Addr, func(r *http.Request, _ int) registrytest.Fault {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			return registrytest.Fault{Status: http.StatusForbidden}
		}
		return registrytest.Fault{}
	})
	closed := registrytest.Start(t, registrytest.Config{Htpasswd: account})
	ca := registrytest.NewCA(t)
	cert, key := ca.Issue(t, "server")
	secure := registrytest.Start(t, registrytest.Config{CertFile: cert, KeyFile: key, Htpasswd: account})
	layout := gadgettest.Layout(t, "testdata/open.bpf.o", "testdata/open.yaml", arch.AMD64, arch.ARM64)
	other := gadgettest.Layout(t, "testdata/other.bpf.o", "", arch.AMD64, arch.ARM64)
	environment := map[string]string{}
	// Where skopeo is missing the lines that need it are left out, and this is counted.
	t.Run("skopeo", func(t *testing.T) {
		environment["SKOPEO"] = registrytest.Program(t, registrytest.SkopeoEnv, "skopeo")
	})
	compiler(t, func(name, value string) { environment[name] = value })
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Condition: func(name string) (bool, error) {
			switch name {
			case "compiler":
				return environment["CLANG"] != "", nil
			case "skopeo":
				return environment["SKOPEO"] != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("GADGET_RUN_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("XDG_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
			e.Setenv("GADGET_RUN_REGISTRIES", filepath.Join(e.WorkDir, "registries.conf"))
			e.Setenv("REGISTRY_AUTH_FILE", filepath.Join(e.WorkDir, "auth.json"))
			e.Setenv("REG", open.Addr)
			e.Setenv("BROKENREG", broken.Addr)     // has what REG has, but no blob arrives whole
			e.Setenv("READONLYREG", readOnly.Addr) // as well, and takes no manifest
			e.Setenv("AUTHREG", closed.Addr)
			e.Setenv("TLSREG", secure.Addr)
			e.Setenv("CACERT", ca.File)
			e.Setenv("LAYOUT", layout)
			e.Setenv("OTHER", other)
			for name, value := range environment {
				e.Setenv(name, value)
			}
			// One repository per script, since the registries are shared.
			e.Setenv("NAME", strings.ToLower(filepath.Base(e.WorkDir)))
			return os.WriteFile(filepath.Join(e.WorkDir, "registries.conf"), nil, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mode": mode, "exits": exits, "damage": damage, "files": files,
		},
	})
}

// mode checks the permissions of a file: mode 600 FILE.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	st, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", st.Mode().Perm()); got != args[0] {
		ts.Check(errors.New("mode is " + got + ", want " + args[0]))
	}
}

// exits runs a command and checks its exit code: exits 2 gadget-run image list -f x.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got := strconv.Itoa(code); got != args[0] {
		ts.Fatalf("the exit code is %s, want %s", got, args[0])
	}
}

// damage changes the last byte of a file: damage FILE.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[len(data)-1] ^= 0xff
	ts.Check(os.Chmod(path, 0o644))
	ts.Check(os.WriteFile(path, data, 0o644))
}

// files checks how many files match a pattern: files 0 'out/.*'.
func files(ts *testscript.TestScript, _ bool, args []string) {
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if strconv.Itoa(len(found)) != args[0] {
		ts.Fatalf("%d files match %s, want %s: %q", len(found), args[1], args[0], found)
	}
}
