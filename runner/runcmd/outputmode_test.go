package runcmd

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

func TestView(t *testing.T) {
	for _, tc := range []struct {
		output, fields string
		want           view
		err            string
	}{
		{output: "", want: view{}},
		{output: "json", want: view{mode: output.JSON}},
		{output: "custom-columns=a,b", want: view{output.Columns, "a,b"}},
		{output: "columns=a", want: view{output.Columns, "a"}},
		{output: "open:custom-columns=a,b,close:json", want: view{output.Columns, "a,b"}},
		{output: "close:columns=c,d,open:json", want: view{mode: output.JSON}},
		{output: "open:pprof", want: view{mode: output.Pprof}},
		{output: "custom-columns=", err: "name columns"},
		{output: "custom-columns=a", fields: "b", err: "mutually exclusive"},
		{output: "custom-column=a", err: "custom-columns="},
		{output: "flamegraf", err: "flamegraph"},
	} {
		f := sourceConfig{
			session: &session{cmd: &Cmd{Output: tc.output, Fields: tc.fields}}, names: []string{"open", "close"},
		}
		got, err := f.view(&field.Source{Name: "open"})
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q: error %v, want %q", tc.output, err, tc.err)
			}
			continue
		}
		if err != nil || got != tc.want {
			t.Errorf("%q: got %+v, %v, want %+v", tc.output, got, err, tc.want)
		}
	}
}

// TestViewOfInternalSource shows a source that supports no format only by its name.
func TestViewOfInternalSource(t *testing.T) {
	for value, want := range map[string]output.Mode{
		"": "", "json": output.None, "columns=a": output.None, "close:json": "", "open:json": output.JSON,
		"close:none, open:yaml": output.YAML,
	} {
		f := sourceConfig{session: &session{cmd: &Cmd{Output: value}}, names: []string{"open", "close"}}
		got, err := f.view(&field.Source{Name: "open", Annotations: map[string]string{annotationModes: "none"}})
		if err != nil || got.mode != want {
			t.Errorf("-o %q: %+v, %v, want mode %q", value, got, err, want)
		}
	}
}

// TestFilesAlone keeps a file of one data source from being mixed with others.
func TestFilesAlone(t *testing.T) {
	f := sourceConfig{names: []string{"open", "close"}}
	if err := f.checkFiles(map[string]output.Mode{"open": output.Pprof}); err != nil {
		t.Error(err)
	}
	err := f.checkFiles(map[string]output.Mode{"open": output.FlameGraph, "close": output.JSON})
	if err == nil || !strings.Contains(err.Error(), "open:flamegraph,close:none") {
		t.Errorf("two sources: %v", err)
	}
	f.width = 80
	if err := f.checkFiles(map[string]output.Mode{"open": output.Pprof}); err == nil {
		t.Error("binary data on a terminal")
	}
	if got := f.mode(&field.Source{Annotations: map[string]string{annotationMode: "pcap-ng"}}); got != output.Columns {
		t.Errorf("a terminal shows %q", got)
	}
}

// TestModeOfSource takes the format that gadget.yaml gives, or the first that it
// supports.
func TestModeOfSource(t *testing.T) {
	f := sourceConfig{}
	for _, tc := range []struct {
		annotations map[string]string
		want        output.Mode
	}{
		{nil, output.Columns},
		{map[string]string{annotationModes: "unknown, advise"}, output.Advise},
		{map[string]string{annotationModes: "advise,columns"}, output.Columns},
		{map[string]string{annotationModes: "advise", annotationMode: "json"}, output.JSON},
	} {
		if got := f.mode(&field.Source{Annotations: tc.annotations}); got != tc.want {
			t.Errorf("%v: mode %q, want %q", tc.annotations, got, tc.want)
		}
	}
}

// TestNothingShown: a run whose gadget has nothing shown reports that, unless the user
// chose it.
func TestNothingShown(t *testing.T) {
	const note = `nothing is shown: the gadget has the output mode "none" for "open", choose another such as --output open:json`
	for _, tc := range []struct {
		mode string // of the gadget
		cmd  Cmd
		want bool
	}{
		{"none", Cmd{}, true},
		{"none", Cmd{Output: "none"}, false},
		{"none", Cmd{Output: "open:none"}, false},
		{"none", Cmd{Output: "json"}, true},
		{"none", Cmd{Output: "open:json"}, false},
		{"columns", Cmd{}, false},
		{"none", Cmd{MetricsFlags: MetricsFlags{OTelLogsExporter: "http://127.0.0.1:1"}}, false},
	} {
		md := gadgetapi.Metadata{DataSources: map[string]gadgetapi.DataSource{
			"open": {Annotations: map[string]string{annotationModes: tc.mode}},
		}}
		plan, err := gadgetapi.Read(gadgettest.File(t, "open.bpf.o"), md)
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		s := &session{
			cmd: &tc.cmd, kernel: btf.NewCache(), plan: plan, metadata: md,
			g: &cli.Globals{Stdout: io.Discard, Stderr: &stderr},
		}
		if _, err := s.events(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(stderr.String(), note); got != tc.want {
			t.Errorf("mode %q, %+v: messages %q", tc.mode, tc.cmd.Output, stderr.String())
		}
	}
}
