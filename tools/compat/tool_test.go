package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

const report = `{"schema":"rules_gadget.btfgen.report/v1","object":"program.amd64.bpf.o","arch":"amd64",
"relocations":[{"id":0,"program":"p","kind":"field_byte_offset","type":"struct task_struct","access":"task_struct.gone"}],
"kernels":[{"distro":"debian","version":"12","arch":"amd64","release":"6.1.0-9","results":"a"},
{"distro":"debian","version":"12","arch":"amd64","release":"6.1.0-10","error":"xz is corrupt","results":""}]}`

// draw runs the tool on a gadget without program and the report.
func draw(t *testing.T, dir string, more ...string) string {
	t.Helper()
	in := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := append([]string{
		"--title=//g:compat", "--object=" + in("program.amd64.bpf.o", ""), "--report=" + in("report.json", report),
	}, more...)
	var stdout bytes.Buffer
	if err := run(t.Context(), args, nil, &stdout, t.Output()); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}

func TestRunWritesAllForms(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if out := draw(t, dir, "--json="+path("m.json"), "--html="+path("m.html"), "--text="+path("m.txt")); out != "" {
		t.Errorf("stdout %q, want none", out)
	}
	for name, want := range map[string]string{
		"m.json": `"schema":"rules_gadget.compat/v1"`, "m.html": "<title>//g:compat: kernel compatibility</title>",
		"m.txt": "6.1.0-10 could not be read",
	} {
		data, err := os.ReadFile(path(name))
		if err != nil || !strings.Contains(strings.ReplaceAll(string(data), `": "`, `":"`), want) {
			t.Errorf("%s lacks %q: %v", name, want, err)
		}
	}
	data, err := os.ReadFile(path("m.json"))
	if err != nil || !json.Valid(data) {
		t.Errorf("the JSON is not valid: %v", err)
	}
}

func TestRunPrintsText(t *testing.T) {
	out := draw(t, t.TempDir())
	for _, want := range []string{"//g:compat: 1 kernel in 1 group", "task_struct.gone", "✗", "hint: "} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

// "bazel run" starts the tool without arguments.
func TestShow(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "a.html"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("matrix\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("RUNFILES_DIR", dir)
	t.Setenv(envText, "a.txt")
	t.Setenv(envHTML, "a.html")
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), nil, nil, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if stdout.String() != "matrix\n" || stderr.String() != "page: "+filepath.Join(dir, "a.html")+"\n" {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
	t.Setenv(envText, "none.txt")
	if err := run(t.Context(), nil, nil, &stdout, &stderr); err == nil {
		t.Error("a missing matrix gives no error")
	}
}

func TestRunRefuses(t *testing.T) {
	usage := (*tool.UsageError)(nil)
	if err := run(t.Context(), []string{"--nonsense"}, nil, t.Output(), t.Output()); !errors.As(err, &usage) {
		t.Errorf("an unknown flag gives %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--report=" + bad, "--object=" + bad, "--report=/no/such/file"} {
		if err := run(t.Context(), []string{flag}, nil, t.Output(), t.Output()); err == nil {
			t.Errorf("%s: no error", flag)
		}
	}
}
