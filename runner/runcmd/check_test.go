package runcmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestCheck refuses what no gadget can be run with, and nothing that some gadget may
// take: which data sources and fields there are is not known yet.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pub")
	if err := os.WriteFile(key, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	trust := func(f artifact.TrustFlags) Cmd { return Cmd{TrustFlags: f} }
	for _, tc := range []struct {
		name string
		cmd  Cmd
		want string // of the error, "" for none
	}{
		{"a mode", Cmd{Output: "json"}, ""},
		{"columns", Cmd{Output: "custom-columns=a,b,c"}, ""},
		{"a mode for each source", Cmd{Output: "open:columns=a,b,close:json, more:none"}, ""},
		{"no mode", Cmd{Output: "jsn"}, `--output "jsn": "jsn" is not a mode, did you mean "json"?`},
		{"no mode of a source", Cmd{Output: "open:json,close:ymal"}, `"ymal" is not a mode, did you mean "yaml"?`},
		{"no mode after columns", Cmd{Output: "open:columns=a,b,close:xml"}, `"xml" is not a mode`},
		{"two modes", Cmd{Output: "json,yaml"}, "give one value"},
		{"columns without names", Cmd{Output: "columns="}, "name columns after the ="},
		{"columns twice", Cmd{Output: "columns=a", Fields: "b"}, "mutually exclusive"},

		{"fields", Cmd{Fields: "a,b; close:+a,-b"}, ""},
		{"fields both ways", Cmd{Fields: "open:a,+b"}, "cannot be mixed"},
		{"entries", Cmd{MaxEntries: "open:-1,close:20"}, ""},
		{"no number of entries", Cmd{MaxEntries: "open:many"}, `"many" is not a number of entries`},
		{"too few entries", Cmd{MaxEntries: "-2"}, `"-2" is not a number of entries`},

		{"filters", Cmd{Filter: []string{"fd>3,open:comm~^a", `x==a\,b`}}, ""},
		{"filter without operator", Cmd{Filter: []string{"fd"}}, "want a field, an operator"},
		{"filter of another language", Cmd{Filter: []string{"a==1,b=~c"}}, `unknown operator "=~", use "~"`},
		{"no regular expression", Cmd{Filter: []string{"comm~("}}, "missing closing )"},
		{"expressions", Cmd{FilterExpr: []string{
			`fd > 3 && proc.comm == "a:b"`, "open:fd>3", `addr in cidr("10.0.0.0/8")`, "a ? b : c", "{'a': 1}.a == fd",
		}}, ""},
		{"no expression", Cmd{FilterExpr: []string{"fd >"}}, `filter expression "fd >": line 1, column`},
		{"no expression of a source", Cmd{FilterExpr: []string{"open:fd >"}}, `filter expression "fd >": line 1, column`},

		{"annotations", Cmd{Annotate: []string{"open:description=x", "open.fd:columns.width={{x}}", ""}}, ""},
		{"no annotation", Cmd{Annotate: []string{"open.fd"}}, "want source:key=value"},
		{"unknown annotation", Cmd{Annotate: []string{"open.fd:column.width=3"}}, `did you mean "columns.width"?`},
		{"annotation of a source", Cmd{Annotate: []string{"open:columns.width=3"}}, "unknown annotation"},
		{"value of an annotation", Cmd{Annotate: []string{"open.fd:columns.width=wide"}}, "use a whole number"},

		{"exporters", Cmd{MetricsFlags: MetricsFlags{
			OTelLogsExporter: "http://127.0.0.1:4318", OTelProfilesExporter: "otlp", OTelMetricsListen: ":2224",
		}}, ""},
		{"no URL", Cmd{MetricsFlags: MetricsFlags{OTelLogsExporter: "collector:4318"}}, "--otel-logs-exporter: "},
		{"no address", Cmd{MetricsFlags: MetricsFlags{OTelMetricsListen: "2224"}}, "use one like 127.0.0.1:2224"},
		{"no port", Cmd{MetricsFlags: MetricsFlags{OTelMetricsListen: "127.0.0.1:99999"}}, "use one like 127.0.0.1:2224"},

		{"a key", trust(artifact.TrustFlags{VerifyImage: true, PublicKeys: cli.Files{key}}), ""},
		{"a key in place of its file", trust(artifact.TrustFlags{
			VerifyImage: true, PublicKeys: cli.Files{"-----BEGIN PUBLIC KEY-----\n"},
		}), ""},
		{
			"no key", trust(artifact.TrustFlags{VerifyImage: true, PublicKeys: cli.Files{key + "s"}}),
			`key.pubs" does not exist`,
		},
		{"no policy", trust(artifact.TrustFlags{VerifyImage: true, Policy: "/none/policy"}), `--policy: file "/none/policy"`},
		{"a key for nothing", trust(artifact.TrustFlags{PublicKeys: cli.Files{key}}), "contradicts"},
		{
			"key and policy", trust(artifact.TrustFlags{VerifyImage: true, PublicKeys: cli.Files{key}, Policy: cli.File(key)}),
			"mutually exclusive",
		},

		{"an interface", Cmd{Iface: []string{"lo"}}, ""},
		{"no interface", Cmd{Iface: []string{"lo", "nosuch0"}}, `--iface: network interface "nosuch0" does not exist, `},
		{"no cgroup", Cmd{Cgroup: dir}, "is not a directory of cgroup v2"},
		{"pulling and not", Cmd{Pull: artifact.PullAlways, DisallowPulling: true}, "contradicts --pull=always"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if len(tc.cmd.PublicKeys) == 0 && tc.cmd.Policy == "" {
				tc.cmd.VerifyImage = true
			}
			err := tc.cmd.check(false)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	binary := Cmd{Output: "open:pprof"}
	if err := binary.check(true); err == nil || !strings.Contains(err.Error(), "a terminal cannot show") {
		t.Errorf("binary data on a terminal: %v", err)
	}
	binary.OutputFile = "x"
	if err := binary.check(true); err != nil {
		t.Errorf("binary data in a file: %v", err)
	}
}

// TestNoSource: a gadget that shows nothing is reported, unless its wasm program can
// add a data source.
func TestNoSource(t *testing.T) {
	// Without the names by which the API declares data sources.
	object := bytes.ReplaceAll(gadgettest.File(t, "attach.bpf.o"), []byte("gadget_"), []byte("absent_"))
	for _, module := range [][]byte{nil, []byte("\x00asm")} {
		stderr := &clitest.Buffer{}
		s := &session{
			cmd: &Cmd{}, kernel: btf.NewCache(), g: &cli.Globals{Ctx: t.Context(), Stderr: stderr},
			artifact: &gadget.Artifact{
				Object: object, Metadata: []byte("name: quiet\n"), Wasm: module,
			},
		}
		if err := s.read(); err != nil {
			t.Fatal(err)
		}
		if noted := strings.Contains(stderr.String(), "no data source"); noted != (module == nil) {
			t.Errorf("with wasm: %t, notes: %q", module != nil, stderr.String())
		}
	}
}
