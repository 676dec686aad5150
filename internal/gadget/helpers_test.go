package gadget_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func sortStrings(s []string) { slices.Sort(s) }

// golden compares got with testdata/<name>, which -update writes.
func golden(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs, got:\n%s", file, got)
	}
}
