package tool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

type flags struct {
	In    []string          `sep:"none"`
	Label map[string]string `mapsep:"none"`
	Out   string            `required:"" help:"Where to write."`
}

func parse(args ...string) (flags, string, error) {
	var f flags
	var out bytes.Buffer
	err := tool.Parse("x", "Does x.", &f, args, &out)
	return f, out.String(), err
}

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "params")
	if err := os.WriteFile(file, []byte("--out=o\n--in=a,b\n--in=c d\n--label=k=v;w=x,y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := parse("@" + file)
	if err != nil {
		t.Fatal(err)
	}
	want := flags{In: []string{"a,b", "c d"}, Label: map[string]string{"k": "v;w=x,y"}, Out: "o"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
}

func TestExitCodes(t *testing.T) {
	_, help, helpErr := parse("--help")
	if !strings.Contains(help, "Where to write.") {
		t.Errorf("help:\n%s", help)
	}
	_, _, missing := parse()
	_, _, unknown := parse("--out=o", "--nope")
	_, _, params := parse("@/no/such/file")
	for name, tc := range map[string]struct {
		err  error
		code int
		text string
	}{
		"fine":    {nil, 0, ""},
		"help":    {helpErr, 0, ""},
		"failed":  {errors.New("reading x: gone"), 1, "x: reading x: gone\n"},
		"missing": {missing, 2, "x: missing flags: --out=STRING, see --help\n"},
		"unknown": {unknown, 2, "x: unknown flag --nope, see --help\n"},
		"params":  {params, 1, "x: reading params file: stat /no/such/file: no such file or directory\n"},
	} {
		var stderr bytes.Buffer
		if code := tool.ExitCode("x", tc.err, &stderr); code != tc.code || stderr.String() != tc.text {
			t.Errorf("%s: code %d, text %q; want %d, %q", name, code, stderr.String(), tc.code, tc.text)
		}
	}
}

func TestRunfile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return full
	}
	inDir := write("runfiles/main/a", "")
	adjacent := write("exe.runfiles/main/b", "")
	real := write("real c", "")
	manifest := write("MANIFEST", "main/cc /other\nmain/c "+real+"\n")
	env := map[string]string{"RUNFILES_DIR": filepath.Join(dir, "runfiles"), "RUNFILES_MANIFEST_FILE": manifest}
	getenv := func(k string) string { return env[k] }
	exe := filepath.Join(dir, "exe")
	for name, want := range map[string]string{"main/a": inDir, "main/b": adjacent, "main/c": real} {
		if got, err := tool.Runfile(exe, name, getenv); err != nil || got != want {
			t.Errorf("Runfile(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	if got, err := tool.Runfile(exe, "main/d", getenv); err == nil || !strings.Contains(err.Error(), "bazel run") {
		t.Errorf("Runfile of nothing = %q, %v", got, err)
	}
}
