package wasm_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

var goImport = regexp.MustCompile(`(?m)^//go:wasmimport ig (\w+)\nfunc (\w+)\(([^)]*)\) ?(\w*)$`)

// TestGuestPackage holds the imports of the package for authors against the API.
func TestGuestPackage(t *testing.T) {
	source, err := os.ReadFile("../../wasmapi/import_wasm.go")
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]signature{}, map[string]signature{}
	for _, m := range goImport.FindAllStringSubmatch(string(source), -1) {
		got[m[1]] = goSignature(m[3], m[4])
	}
	for _, f := range wasm.Functions() {
		want[f.Name] = parseSignature(f.Signature)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(signature{})); diff != "" {
		t.Errorf("wasmapi's imports are not the API (-API +wasmapi):\n%s", diff)
	}
	if len(want) != 41 {
		t.Errorf("the API has 41 functions, not %d", len(want))
	}
}

// goSignature reads the parameters and the result of a Go function.
func goSignature(params, result string) signature {
	var sig signature
	pending := 0
	for _, p := range strings.Split(params, ", ") {
		pending++
		if _, typ, ok := strings.Cut(p, " "); ok {
			one := parseSignature("(x " + typ + ")").params
			for range pending {
				sig.params = append(sig.params, one...)
			}
			pending = 0
		}
	}
	sig.results = parseSignature("() " + result).results
	return sig
}
