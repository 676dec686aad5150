package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/img/imgtest"
)

// TestKilled kills builds at random moments. After each nothing is mounted and
// nothing runs, and the last build is right.
func TestKilled(t *testing.T) {
	imgtest.Program(t, "runc", "runc")
	registry := imgtest.Registry(t)
	home, err := os.MkdirTemp("", "killed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	ctx := t.TempDir()
	// The marker is in the command line of what must not run on.
	dockerfile := "FROM " + registry + "/base\nARG N\nRUN echo $N >/r && sleep 0.7391\nRUN cat /r >/s\n"
	if err := os.WriteFile(filepath.Join(ctx, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		t.Fatal(err)
	}
	times := 8
	if os.Getenv("IMG_NIGHTLY") != "" {
		times = 50
	}
	for i := range times {
		cmd := exec.Command("img", "build", "-q", "-t", "killed", "--build-arg", fmt.Sprintf("N=%d", i), ctx)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		nothingLeft(t, home)
	}
	if out, err := exec.Command("img", "build", "-q", "-t", "killed", "--build-arg", "N=last",
		ctx).CombinedOutput(); err != nil {
		t.Fatalf("the build after the last kill: %v\n%s", err, out)
	}
	if out, err := exec.Command("img", "unpack", "-o", filepath.Join(home, "rootfs"),
		"killed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(home, "rootfs", "s")); err != nil || string(got) != "last\n" {
		t.Errorf("the image has %q, %v", got, err)
	}
}

func nothingLeft(t *testing.T, home string) {
	t.Helper()
	var running string
	for range 100 {
		out, err := exec.Command("ps", "-e", "-o", "args=").Output()
		if err != nil {
			t.Fatal(err)
		}
		if running = string(out); !strings.Contains(running, "sleep 0.7391") &&
			!strings.Contains(running, "img build -q -t killed") {
			running = ""
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if running != "" {
		t.Fatalf("two seconds after the kill there is still:\n%s", running)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), home) {
		t.Fatalf("still mounted:\n%s", mounts)
	}
}
