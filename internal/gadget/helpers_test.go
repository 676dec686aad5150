package gadget_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
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

// zeros is the hexadecimal part of a digest that no content has.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func isNoGadget(err error) bool { return errors.Is(err, gadget.ErrNoGadget) }
