package runcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

func TestManifest(t *testing.T) {
	flags := FlagSet{
		"-f": false, "--file": false, "-F": false, "--filter": false, "-o": false, "--output": false, "--host": true,
		"-c": false, "--runtime-containername": false, "--containername": false,
	}
	for _, tc := range []struct{ name, params, line, ours, rest string }{
		{"nothing but the image", "", "-f M", "REF -fM", ""},
		{"no manifest", "", "other --pid 1", "other", "--pid 1"},
		{"the gadget of the command line", "", "other --file M", "other --file=M", ""},
		{"flags", "operator.cli.output: json", "-f M", "--output=json REF -fM", ""},
		{"flag given short", "operator.cli.output: json", "-f M -o yaml", "REF -fM -oyaml", ""},
		{"flag given long", "operator.cli.output: json", "-f M --output yaml", "REF -fM --output=yaml", ""},
		{"by source", "operator.filter.filter-expr.open: fd > 3", "-f M", "--filter-expr=open:fd > 3 REF -fM", ""},
		{"filters of both", "operator.filter.filter: a==1", "-f M -F b==2", "REF -fM -Fb==2", ""},
		{
			"parameters of the gadget", "operator.oci.ebpf.pid: 3", "-f M --pid 4 --failed", "REF -fM",
			"--operator.oci.ebpf.pid=3 --pid 4 --failed",
		},
		{"containers", "operator.KubeManager.podname: web", "-f M", "--k8s-podname=web REF -fM", ""},
		{
			"another name of a flag", "operator.LocalManager.containername: a", "-f M --runtime-containername b",
			"REF -fM --runtime-containername=b", "",
		},
		{"a choice overrides the host", "operator.LocalManager.host: true", "-f M -c a", "REF -fM -ca", ""},
		{"the host overrides a choice", "operator.LocalManager.containername: a", "-f M --host", "REF -fM --host", ""},
		{
			"what happens anyway", "operator.KubeManager.all-namespaces: true", "-f M", "REF -fM",
			"--operator.KubeManager.all-namespaces=true",
		},
		{"stdin", "operator.cli.output: json", "-f -", "--output=json REF -f-", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := "apiVersion: 1\nkind: instance-spec\nimage: REF\nparamValues:\n  " + tc.params + "\n"
			path := filepath.Join(t.TempDir(), "m")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			ours, rest := Split(strings.Fields(strings.ReplaceAll(tc.line, "M", path)), flags)
			list, err := Invocations(t.Context(), ours, rest, strings.NewReader(text))
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			ours, rest = list[0].Args, list[0].Rest
			if got := strings.ReplaceAll(strings.Join(ours, " "), path, "M"); got != tc.ours {
				t.Errorf("ours: got %q, want %q", got, tc.ours)
			}
			if got := strings.Join(rest.Args, " "); got != tc.rest {
				t.Errorf("rest: got %q, want %q", got, tc.rest)
			}
		})
	}
}

func TestManifestTooLarge(t *testing.T) {
	_, err := Invocations(t.Context(), []string{"-f-"}, Rest{},
		strings.NewReader(strings.Repeat("#", gadget.MaxInstanceSpecs+10)))
	if want := fmt.Sprintf("at most %d are read", gadget.MaxInstanceSpecs); err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestManifestCannotSetFlags(t *testing.T) {
	text := "apiVersion: 1\nkind: instance-spec\nimage: --verify-image=false\n"
	_, err := Invocations(t.Context(), []string{"-f-"}, Rest{}, strings.NewReader(text))
	if err == nil || !strings.Contains(err.Error(), `-:1: the image "--verify-image=false" is a flag`) {
		t.Errorf("got %v, want an error about the image", err)
	}
}

// Every flag that a manifest may set is one of the command.
func TestManifestParamFlags(t *testing.T) {
	parser, err := kong.New(&Cmd{})
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for _, f := range parser.Model.Flags {
		flags["--"+f.Name] = true
	}
	for _, p := range gadgetapi.RunnerParams() {
		if !flags[p.Flag] {
			t.Errorf("%s: flag %s does not exist", p.Name, p.Flag)
		}
	}
}
