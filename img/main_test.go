package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/img/imgtest"
	"github.com/rules-gadget/rules_gadget/img/rootless"
)

func TestMain(m *testing.M) {
	if os.Getenv("_IMG_STAGE") == "" { // else the test binary is img
		if base := os.Args[0]; len(base) > 5 && base[len(base)-5:] == ".test" {
			imgtest.AsPlainUser()
		}
	}
	testscript.Main(m, map[string]func(){"img": main, "inside": inside})
}

// inside runs a command as root of the user namespace that img uses.
func inside() {
	rootless.Init()
	if !rootless.Inside() {
		code, err := rootless.Run(rootless.Spec{Note: func(string) {}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	if err := rootless.EnterNamespaces(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(max(cmd.ProcessState.ExitCode(), 1))
	}
	os.Exit(0)
}

// TestScripts runs each command and each example as a plain user, beside real
// parts.
func TestScripts(t *testing.T) {
	for _, p := range []struct{ name, pkg string }{
		{"newuidmap", "uidmap"},
		{"skopeo", "skopeo"},
		{"podman", "podman"},
		{"buildah", "buildah"},
		{"runc", "runc"},
		{"dockerd", "docker.io"},
		{"docker", "docker.io"},
	} {
		imgtest.Program(t, p.name, p.pkg)
	}
	if os.Getenv("CRANE") == "" {
		t.Skip("needs CRANE, the path of crane; tools/dev/img builds it")
	}
	registry := imgtest.Registry(t)
	guarded, cutOff := imgtest.Guarded(t, registry), imgtest.CutOff(t, registry)
	sameAnswer := imgtest.SameAnswer(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			home := env.WorkDir + "/home"
			run := env.WorkDir + "/run"
			for _, d := range []string{home, run} {
				if err := os.Mkdir(d, 0o700); err != nil {
					return err
				}
			}
			env.Setenv("HOME", home)
			env.Setenv("XDG_RUNTIME_DIR", run)
			env.Setenv("USER", "imgtest")
			env.Setenv("REGISTRY", registry)
			env.Setenv("GUARDED", guarded)
			env.Setenv("CUTOFF", cutOff)
			env.Setenv("LIAR", sameAnswer)
			env.Setenv("CRANE", os.Getenv("CRANE"))
			env.Setenv("DOCKER_HOST", os.Getenv("DOCKER_HOST"))
			program, err := exec.LookPath("img")
			if err != nil {
				return err
			}
			env.Setenv("IMGBIN", filepath.Dir(program))
			env.Setenv("BASE", registry+"/base")
			env.Setenv("PATH", env.Getenv("PATH")+":/usr/sbin:/sbin")
			return nil
		},
	})
}
