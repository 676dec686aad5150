package engine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestActiveSecurityModules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lsm")
	if err := lsmActive(file); err != nil {
		t.Errorf("where nothing is known: %v", err)
	}
	for modules, active := range map[string]bool{
		"lockdown,capability,yama": false, "capability,bpf": true, "bpf\n": true, "capability,bpfx": false,
	} {
		if err := os.WriteFile(file, []byte(modules), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := lsmActive(file); (err == nil) != active {
			t.Errorf("%q: %v", modules, err)
		}
	}
}
