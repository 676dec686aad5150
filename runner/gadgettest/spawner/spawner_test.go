package spawner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest/spawner"
)

// TestWrite starts programs of all kinds. They end with an error if one of their
// processes does, as it does if it cannot find the file of the program.
func TestWrite(t *testing.T) {
	for name, kind := range map[string]spawner.Kind{
		"executes": spawner.Executes, "fails": spawner.Fails, "opens": spawner.Opens,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spawner")
			if err := spawner.Write(path, kind); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(path, "start").CombinedOutput(); err != nil {
				t.Errorf("starting processes: %v: %s", err, out)
			}
			if info, err := os.Stat(path); err != nil || info.Size() > 400 {
				t.Errorf("the program has more than 400 bytes: %v, %v", info.Size(), err)
			}
			if kind == spawner.Fails {
				return
			}
			removed := exec.Command(path, "start")
			removed.Args[0] = filepath.Join(t.TempDir(), "missing")
			if err := removed.Run(); err == nil || removed.ProcessState.ExitCode() != 1 {
				t.Errorf("starting processes that cannot find their program: got %v, want the exit code 1", err)
			}
		})
	}
}
