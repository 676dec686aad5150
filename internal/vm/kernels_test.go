package vm

import (
	"os"
	"strings"
	"testing"
)

func TestCommittedKernels(t *testing.T) {
	data, err := os.ReadFile("kernels.json")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKernels(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range k.Kernels {
		names = append(names, e.Key())
		if e.Name != "newest" && !strings.HasPrefix(e.Release, e.Name+".") {
			t.Errorf("kernel %s has release %s", e.Name, e.Release)
		}
	}
	if got := strings.Join(names, " "); got != "amd64-5.10 amd64-6.1 amd64-6.12 amd64-newest arm64-5.10 arm64-6.1 "+
		"arm64-6.12 arm64-newest" {
		t.Errorf("kernels are %s", got)
	}
}

func TestParseKernelsRefuses(t *testing.T) {
	good := `{"schema":"rules_gadget.kernels/v1","kernels":[{"name":"1","suite":"s","arch":"amd64","release":"1-a","version":"v",` +
		`"path":"pool/main/l/x-1-a_1.deb","sha256":"` + strings.Repeat("a", 64) + `","size":9}]}`
	if _, err := ParseKernels([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"schema": {"/v1", "/v9"}, "unknown field": {`"size"`, `"weight"`}, "hash": {"aaaa", "AAAA"},
		"path":  {"pool/", "/etc/"},
		"above": {"pool/main", "pool/.."}, "release": {"1-a\"", "2-b\""}, "size": {":9", ":0"},
		"name": {`"name":"1"`, `"name":"a/b"`}, "syntax": {"[", ""},
	} {
		if _, err := ParseKernels([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
