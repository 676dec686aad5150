package cli_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestMeantFlag(t *testing.T) {
	run := []string{"fields", "insecure", "k8s-namespace", "output", "public-keys", "verify-image", "version"}
	login := []string{"authfile", "tls-verify", "username"}
	for _, tc := range []struct {
		name  string
		flags []string
		want  string
	}{
		{"verify", run, "verify-image"},
		{"no-verify", run, "verify-image"},
		{"key", run, "public-keys"},
		{"key", []string{"kex", "password"}, "kex"},
		{"tls-verify", run, "insecure"},
		{"insecure", login, "tls-verify=false"},
		{"creds", login, "username"},
		{"creds", []string{"authfile"}, "authfile"},
		{"json", run, "output=json"},
		{"columns", run, "fields"},
		{"columns", []string{"output"}, "output=columns"},
		{"namespace", run, "k8s-namespace"},
		{"outptu", run, "output"},
		{"elephant", run, ""},
		{"", run, ""},
	} {
		got, ok := cli.MeantFlag(tc.name, tc.flags)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s of %q: got %q, want %q", tc.name, tc.flags, got, tc.want)
		}
	}
}
