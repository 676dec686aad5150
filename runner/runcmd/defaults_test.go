package runcmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// parsed returns the flags that a command line gives.
func parsed(t *testing.T, args ...string) *Cmd {
	t.Helper()
	var c Cmd
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &c
}

// withParamDefaults returns a session for a gadget whose gadget.yaml has these.
func withParamDefaults(t *testing.T, defaults map[string]string, args ...string) (*session, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	s := &session{
		cmd: parsed(t, args...), rest: Rest{Given: args}, g: &cli.Globals{Stderr: &stderr, Verbose: true},
		runtimes: openRuntimes,
		metadata: gadgetapi.Metadata{ParamDefaults: defaults},
	}
	return s, &stderr
}

// TestDefaultsOfEveryRunnerParam gives every parameter of the runner a default in
// gadget.yaml, which is the same as its flag on the command line and yields to it.
func TestDefaultsOfEveryRunnerParam(t *testing.T) {
	values := map[string]string{
		"--host": "true", "--symbolizers": "none", "--k8s-selector": "app=web", "--iface": "lo,eth0",
	}
	for _, p := range gadgetapi.RunnerParams() {
		value, special := values[p.Flag]
		if !special {
			value = "some"
		}
		want := parsed(t, "REF")
		if p.Flag != "--pull" { // whether it is pulled was decided before gadget.yaml was read
			want = parsed(t, p.Flag+"="+value, "REF")
		}
		for _, name := range []string{p.Name, strings.ToLower(p.Name)} {
			s, _ := withParamDefaults(t, map[string]string{name: value}, "REF")
			if err := s.defaults(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, s.cmd, cmpopts.IgnoreUnexported(Cmd{})); diff != "" {
				t.Errorf("%s (-flag +default):\n%s", name, diff)
			}
		}
		if p.Flag == "--pull" {
			continue
		}
		given := p.Flag + "=" + strings.ReplaceAll(value, "some", "other")
		s, _ := withParamDefaults(t, map[string]string{p.Name: value}, given, "REF")
		if err := s.defaults(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if diff := cmp.Diff(parsed(t, given, "REF"), s.cmd, cmpopts.IgnoreUnexported(Cmd{})); diff != "" {
			t.Errorf("%s overrides the command line (-want +got):\n%s", p.Name, diff)
		}
	}
}

func TestDefaultsBySource(t *testing.T) {
	s, stderr := withParamDefaults(t, map[string]string{
		"operator.filter.filter.open": "fd>3", "operator.filter.filter.close": "fd>4", "operator.unknown.knows": "it",
	}, "REF")
	if err := s.defaults(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"close:fd>4", "open:fd>3"}, s.cmd.Filter); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "gadget.yaml sets --filter=open:fd>3\n"; !strings.Contains(stderr.String(), want) {
		t.Errorf("with -v: got %q, want %q", stderr, want)
	}
}

func TestDefaultsRefused(t *testing.T) {
	for want, defaults := range map[string]map[string]string{
		`paramDefaults "operator.LocalManager.host": "maybe" is neither true nor false`: {"operator.LocalManager.host": "maybe"},
		"--host shows the whole machine, but other flags choose containers": {
			"operator.LocalManager.host": "true", "operator.LocalManager.containername": "web",
		},
	} {
		s, _ := withParamDefaults(t, defaults, "REF")
		if err := s.defaults(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestDefaultsOfGadgetParams gives parameters that come with a gadget a default in
// gadget.yaml.
func TestDefaultsOfGadgetParams(t *testing.T) {
	params := []gadgetapi.Param{
		{Var: "targ_pid", Key: "pid"},
		{Var: wasmVar + "key", Key: "key", Qualifier: gadgetapi.WasmParamQualifier},
		{Var: "interval", Key: "interval", Qualifier: "operator.process."},
		{Var: "given", Key: "given"},
	}
	s, _ := withParamDefaults(t, map[string]string{
		"operator.oci.ebpf.pid": "3", "operator.oci.wasm.KEY": "v", "operator.process.interval": "5s",
		"operator.oci.ebpf.given": "0",
	}, "REF")
	values := map[string]string{"given": "1"}
	s.withDefaults(params, values)
	want := map[string]string{"targ_pid": "3", wasmVar + "key": "v", "interval": "5s", "given": "1"}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestForeignFlags passes flags that only other runners have.
func TestForeignFlags(t *testing.T) {
	for _, p := range gadgetapi.ForeignParams() {
		for _, arg := range []string{"--" + p.Name + "=x", "--" + p.QualifiedName() + "=x"} {
			if arg == "--=x" {
				continue
			}
			values, err := ParseParams(params, []string{arg})
			if p.Refused {
				if err == nil || !strings.Contains(err.Error(), p.Why) {
					t.Errorf("%s: got %v, want %q", arg, err, p.Why)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", arg, err)
			}
			s, stderr := withParamDefaults(t, nil, "REF")
			s.noteForeign(values)
			if want := "--" + p.Name + " changes nothing: " + p.Why; !strings.Contains(stderr.String(), want) {
				t.Errorf("%s: got %q, want %q", arg, stderr, want)
			}
		}
	}
	// A gadget's own parameter comes first.
	own := []gadgetapi.Param{{Var: "config", Key: "config", Type: gadgetapi.ParamString}}
	if values, err := ParseParams(own, []string{"--config=x"}); err != nil || values["config"] != "x" {
		t.Errorf("a parameter of the gadget: got %v, %v", values, err)
	}
	if _, err := ParseParams(params, []string{"--trace-pipe", "--failed"}); err != nil {
		t.Errorf("a switch without value: %v", err)
	}
}
