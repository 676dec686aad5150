package runcmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

var flags = FlagSet{"--timeout": false, "-o": false, "--output": false, "--host": true, "-v": true}

func TestSplit(t *testing.T) {
	for _, tc := range []struct {
		in, ours, rest string
		help           bool
	}{
		{"ref", "ref", "", false},
		{"ref --failed", "ref", "--failed", false},
		{"ref --failed -o json", "ref -ojson", "--failed", false},
		{"--timeout 5s ref --pid 12", "--timeout=5s ref", "--pid 12", false},
		{"ref --pid=12 --host", "ref --host", "--pid=12", false},
		{"ref --number -3 -ojson", "ref -ojson", "--number -3", false},
		{"ref --output -x -o -y", "ref --output=-x -o-y", "", false},
		{"--pid=1 ref", "ref", "--pid=1", false},
		{"ref --failed --pid 3 --output=json", "ref --output=json", "--failed --pid 3", false},
		{"ref --help", "ref", "", true},
		{"--help ref", "ref", "", true},
		{"--help", "--help", "", false},
		{"-h", "--help", "", false},
		{"ref --timeout", "ref --timeout", "", false},
		{"ref --filter.open fd>3 --filter-expr.open=ok", "ref --filter=open:fd>3 --filter-expr=open:ok", "", false},
		{"ref --filter. x", "ref", "--filter. x", false},
		{"", "", "", false},
	} {
		t.Run(tc.in, func(t *testing.T) {
			ours, rest := Split(strings.Fields(tc.in), flags)
			if got := strings.Join(ours, " "); got != tc.ours {
				t.Errorf("ours: got %q, want %q", got, tc.ours)
			}
			if got := strings.Join(rest.Args, " "); got != tc.rest || rest.Help != tc.help {
				t.Errorf("rest: got %q, help %t, want %q, %t", got, rest.Help, tc.rest, tc.help)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("ref --failed -o json --pid=1 - -- -x")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		ours, rest := Split(args, flags)
		if len(ours)+len(rest.Args) > len(args)+1 {
			t.Errorf("%q became %q and %q", args, ours, rest.Args)
		}
		_, _ = ParseParams(params, rest.Args)
	})
}

var params = []gadgetapi.Param{
	{Var: "targ_failed", Key: "failed", Type: gadgetapi.ParamBool},
	{Var: "targ_pid", Key: "pid", Type: gadgetapi.ParamUint},
	{Var: "number", Key: "number", Type: gadgetapi.ParamInt, ParamMetadata: gadgetapi.ParamMetadata{Alias: "n"}},
}

func TestParseParams(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want map[string]string
	}{
		{"", map[string]string{}},
		{"--failed", map[string]string{"targ_failed": "true"}},
		{"--failed=false", map[string]string{"targ_failed": "false"}},
		{"--failed false --pid 3", map[string]string{"targ_failed": "false", "targ_pid": "3"}},
		{"--pid=1 --pid=2", map[string]string{"targ_pid": "2"}},
		{"-n -5", map[string]string{"number": "-5"}},
		{"--operator.oci.ebpf.pid=4", map[string]string{"targ_pid": "4"}},
		{"--targ_pid=4", map[string]string{"targ_pid": "4"}},
	} {
		got, err := ParseParams(params, strings.Fields(tc.in))
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.in, diff)
		}
	}
	for in, want := range map[string]string{
		"--whatever":         "unknown flag --whatever, the gadget has --failed, --number, --pid",
		"--faild":            "unknown flag --faild, did you mean --failed?",
		"--timout=3":         "unknown flag --timout, did you mean --timeout?",
		"--verify=false":     "unknown flag --verify, did you mean --verify-image?",
		"--tls-verify=false": "unknown flag --tls-verify, did you mean --insecure?",
		"--json":             "unknown flag --json, did you mean --output=json?",
		"--pid":              "needs a value", "-p 3": "unknown flag -p", "--pid --failed": "--pid needs a value",
	} {
		if _, err := ParseParams(params, strings.Fields(in), "--timeout", "--verbose",
			"--version", "--verify-image", "--insecure", "--output"); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", in, err, want)
		}
	}
	if _, err := ParseParams(nil, []string{"--x"}); err == nil || !strings.Contains(err.Error(), "no parameters") {
		t.Errorf("a gadget without parameters: got %v", err)
	}
}

// TestSplitSwitches takes a flag as other runners have it, as a switch.
func TestSplitSwitches(t *testing.T) {
	flags := FlagSet{"--otel-metrics-listen": false, "--otel-metrics-listen-address": false, "--host": true}
	for in, want := range map[string]string{
		"ref --otel-metrics-listen": "--otel-metrics-listen=0.0.0.0:2224 ref",
		"ref --otel-metrics-listen --host": "--otel-metrics-listen=0.0.0.0:2224 ref " +
			"--host",
		"ref --otel-metrics-listen=true":        "--otel-metrics-listen=0.0.0.0:2224 ref",
		"ref --otel-metrics-listen=false":       "ref",
		"ref --otel-metrics-listen 127.0.0.1:1": "ref --otel-metrics-listen=127.0.0.1:1",
		"ref --otel-metrics-listen-address=127.0.0.1:1 --otel-metrics-listen": "--otel-metrics-listen=0.0.0.0:2224 ref " +
			"--otel-metrics-listen-address=127.0.0.1:1",
	} {
		if ours, _ := Split(strings.Fields(in), flags); strings.Join(ours, " ") != want {
			t.Errorf("%s: got %q, want %q", in, ours, want)
		}
	}
}

func TestScoped(t *testing.T) {
	sources := []string{"open", "close"}
	for _, tc := range []struct{ in, open, close string }{
		{"", "", ""},
		{"a,b", "a,b", "a,b"},
		{"open:a,b;c", "a,b", "c"},
		{"c; close:-d", "c", "-d"},
		{"open:a", "a", ""},
		{"other:a", "other:a", "other:a"},
	} {
		if got := scoped(tc.in, "open", sources); got != tc.open {
			t.Errorf("%q for open: got %q, want %q", tc.in, got, tc.open)
		}
		if got := scoped(tc.in, "close", sources); got != tc.close {
			t.Errorf("%q for close: got %q, want %q", tc.in, got, tc.close)
		}
	}
	got := scopedAll([]string{"fd>3", "open:a==b:c", "close:x==1", "t==1:2"}, "open", sources)
	if diff := cmp.Diff([]string{"fd>3", "a==b:c", "t==1:2"}, got); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
}

func TestPerSource(t *testing.T) {
	sources := []string{"open", "close"}
	for _, tc := range []struct{ in, open, close, wrong string }{
		{"", "", "", ""},
		{"json", "json", "json", ""},
		{"open:json", "json", "", ""},
		{"open:json, close:none", "json", "none", ""},
		{"json,open:none", "", "", "give one value"},
		{"json,none", "", "", "give one value"},
		{"opne:json", "", "", `did you mean "open"?`},
	} {
		for src, want := range map[string]string{"open": tc.open, "close": tc.close} {
			got, err := perSource(tc.in, src, sources)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("%q for %s: got %v, want an error with %q", tc.in, src, err, tc.wrong)
				}
				continue
			}
			if err != nil || got != want {
				t.Errorf("%q for %s: got %q, %v, want %q", tc.in, src, got, err, want)
			}
		}
	}
}

func TestMistypedFlag(t *testing.T) {
	rest := Rest{CommandFlags: FlagSet{
		"--timeout": false, "--host": true, "--file": false, "--verify-image": true, "--public-keys": false,
	}}
	for args, want := range map[string]string{
		"--pid=1 --tiemout=3": "; --tiemout is not a flag of this command, did you mean --timeout?",
		"--verify=false":      "; --verify is not a flag of this command, did you mean --verify-image?",
		"--key k.pub":         "; --key is not a flag of this command, did you mean --public-keys?",
		"--failed --port 3 x": "",
		"--image x -h8":       "",
	} {
		rest.Args = strings.Fields(args)
		if got := rest.mistyped(); got != want {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}
}
