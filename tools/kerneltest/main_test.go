package main

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

// fakeQEMU is a QEMU whose guest reports the given lines.
func fakeQEMU(t *testing.T, report string) string {
	t.Helper()
	dir := t.TempDir()
	lines := put(t, filepath.Join(dir, "report"), report)
	return put(t, filepath.Join(dir, "qemu"), "#!/bin/sh\nfor a; do case $a in file,*path=*) cp "+lines+
		" ${a#*path=};; esac; done\n")
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil { // a program among them
		t.Fatal(err)
	}
	return path
}

const goodReport = `{"kind":"boot","text":"6.1.0-9"}
{"kind":"stderr","text":"using the BTF of the kernel"}
{"kind":"stdout","text":"{\"fname\":\"/x\",\"proc\":{\"comm\":\"workload\"}}"}
{"kind":"exit","code":0}
{"kind":"done"}
`

func args(t *testing.T, report string, more ...string) []string {
	t.Helper()
	guest := put(t, filepath.Join(t.TempDir(), "guest"), "guest")
	base := []string{
		"--name=t", "--qemu=" + fakeQEMU(t, report), "--kernel=k", "--guest=" + guest, "--os-release=debian:12",
		`--workload=["/bin/workload","true"]`, `--expect={"fname":"/x"}`, "--timeout=1",
	}
	return append(append(base, more...), "--", "/bin/gadget-run")
}

func TestRun(t *testing.T) {
	tests := []struct {
		name, report string
		args         []string
		out, err     string
	}{
		{"pass", goodReport, []string{"--expect-stderr=BTF of the kernel"}, "--- PASS: t", ""},
		{"event missing", strings.Replace(goodReport, "/x", "/y", 1), nil, "--- FAIL: t", `no event matches {"fname":"/x"}`},
		{"text missing", goodReport, []string{"--expect-stderr=btfgen"}, "--- FAIL: t", `did not print "btfgen"`},
		{"gadget failed", strings.Replace(goodReport, `"code":0`, `"code":1`, 1), nil, "--- FAIL: t", "exit code 1"},
		{"interrupted is fine", strings.Replace(goodReport, `"code":0`, `"code":130`, 1), nil, "--- PASS: t", ""},
		{"guest error", `{"kind":"error","text":"no port"}` + "\n" + goodReport, nil, "--- FAIL: t", "no port"},
		{"no boot", "", nil, "--- FAIL: t", "did not reach"},
		{"no qemu", goodReport, []string{"--qemu=/no/such/qemu"}, "--- SKIP: t", ""},
		{"bad workload", goodReport, []string{"--workload=true"}, "--- FAIL: t", "JSON array"},
		{"bad file", goodReport, []string{"--file=x"}, "--- FAIL: t", "NAME=FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			xml := filepath.Join(t.TempDir(), "test.xml")
			t.Setenv("XML_OUTPUT_FILE", xml)
			var stdout bytes.Buffer
			err := run(t.Context(), args(t, tt.report, tt.args...), nil, &stdout, t.Output())
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !strings.HasPrefix(stdout.String(), tt.out) {
				t.Errorf("output %q, want %q", stdout.String(), tt.out)
			}
			if data, err := os.ReadFile(xml); err != nil || !strings.Contains(string(data), `<testcase name="t"`) {
				t.Errorf("XML %q, %v", data, err)
			}
		})
	}
}

// A kernel that could not be fetched is a skip that says why, in a form that counts.
func TestMissingKernelSkips(t *testing.T) {
	dir := t.TempDir()
	kernel := put(t, filepath.Join(dir, "6.1.deb.missing"), "needs kernel 6.1, the mirror no longer has it\n")
	result, xml := filepath.Join(dir, "result"), filepath.Join(dir, "xml")
	t.Setenv("XML_OUTPUT_FILE", xml)
	var stdout bytes.Buffer
	if err := run(t.Context(), args(t, goodReport, "--kernel="+kernel, "--result="+result), nil, &stdout,
		t.Output()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "--- SKIP: t") ||
		!strings.Contains(stdout.String(), "\n    needs kernel 6.1, the mirror") {
		t.Errorf("output %q", stdout.String())
	}
	for file, want := range map[string]string{result: `"status": "skip"`, xml: `skipped="1"`} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %q, %v", filepath.Base(file), data, err)
		}
	}
}

func TestConfigFromRule(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RUNFILES_DIR", dir)
	t.Setenv(configEnv, "config.json")
	for _, name := range []string{"k", "guest"} {
		put(t, filepath.Join(dir, name), name)
	}
	if err := os.MkdirAll(filepath.Join(dir, "layout", "blobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "layout", "blobs", "x"), "x")
	qemu := fakeQEMU(t, goodReport)
	data, err := json.Marshal(config{
		Name: "rule", Kernel: "k", Guest: "guest", File: []string{"in=layout"}, Workload: []string{`["/bin/workload"]`},
		Expect: []string{`{"fname":"/x"}`}, Timeout: 1, Gadget: []string{"/bin/gadget-run"},
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "config.json"), string(data))
	if err := os.Rename(qemu, filepath.Join(filepath.Dir(qemu), "qemu-system-x86_64")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(qemu)+":"+os.Getenv("PATH"))
	var stdout bytes.Buffer
	if err := run(t.Context(), nil, nil, &stdout, t.Output()); err != nil || !strings.HasPrefix(stdout.String(),
		"--- PASS: rule") {
		t.Errorf("run = %v, %q", err, stdout.String())
	}
}

func TestUsage(t *testing.T) {
	usage := (*tool.UsageError)(nil)
	for _, args := range [][]string{{}, {"--kernel=k"}, {"--kernel=k", "--guest=g"}, {"--nonsense"}} {
		if err := run(t.Context(), args, nil, t.Output(), t.Output()); !errors.As(err, &usage) {
			t.Errorf("run(%q) = %v, want a usage error", args, err)
		}
	}
}

func TestTreeTakesDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	real := put(t, filepath.Join(t.TempDir(), "real"), "x")
	if err := os.Symlink(real, filepath.Join(dir, "a", "b", "link")); err != nil {
		t.Fatal(err)
	}
	files, err := tree("in", filepath.Join(dir, "a"))
	if err != nil || len(files) != 1 || files[0].Name != "in/b/link" || files[0].Mode != 0o744 {
		t.Errorf("tree = %+v, %v", files, err)
	}
}

func TestUnderBazel(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TEST_UNDECLARED_OUTPUTS_DIR", dir)
	t.Setenv(filterEnv, "^TestOpen$")
	t.Setenv("RUNFILES_DIR", dir)
	for _, name := range []string{"k", "g", "q", "t"} {
		put(t, filepath.Join(dir, name), "")
	}
	put(t, filepath.Join(dir, "c.json"), `{"kernel": "k", "guest": "g", "qemu": "q", "test": ["t"], "run": "x"}`)
	c, err := readConfig("c.json")
	if err != nil {
		t.Fatal(err)
	}
	if c.Run != "^TestOpen$" || c.result() != filepath.Join(dir, "result.json") {
		t.Errorf("tests %q, result %q", c.Run, c.result())
	}
}
