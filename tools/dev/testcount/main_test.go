package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twoCases = `<testsuites><testsuite>
<testcase name="TestA"></testcase>
<testcase name="TestA/sub"><skipped message="Skipped">=== RUN TestA/sub
    a_test.go:1: needs BPF
--- SKIP: TestA/sub (0.00s)</skipped></testcase>
</testsuite></testsuites>`

const oneFailure = `<testsuites><testsuite><testcase name="TestB"><failure>no</failure></testcase></testsuite></testsuites>`

func TestRun(t *testing.T) {
	const end = `{"id":{"buildFinished":{}},"finished":{"exitCode":{"code":0}}}`
	const failedEnd = `{"id":{"buildFinished":{}},"finished":{"exitCode":{"code":3}}}`
	tests := []struct {
		name, events, skips, add, want, stderr string
		bad                                    bool
	}{
		{
			name:   "expected skip",
			events: testEvent("//a:t", "PASSED", "two.xml") + end,
			skips:  "# comment\n\n//a:t TestA/* # this kernel has none\n",
			want:   "1 passed, 0 failed, 1 skipped\n",
		},
		{
			name:   "unexpected skip",
			events: testEvent("//a:t", "PASSED", "two.xml") + end,
			want:   "1 passed, 1 failed, 0 skipped\n", bad: true,
			stderr: "not expected: a_test.go:1: needs BPF\n",
		},
		{
			name:   "failure",
			events: testEvent("//a:t", "FAILED", "one.xml") + failedEnd,
			want:   "0 passed, 1 failed, 0 skipped\n", bad: true,
			stderr: "FAILED  //a:t TestB",
		},
		{
			name:   "timeout leaves no cases",
			events: testEvent("//a:t", "TIMEOUT", "") + failedEnd,
			want:   "0 passed, 1 failed, 0 skipped\n", bad: true,
			stderr: "//a:t: TIMEOUT",
		},
		{
			name: "second attempt counts",
			events: testEvent("//a:t", "FAILED", "one.xml") + testEvent("//a:t", "PASSED", "two.xml") +
				end,
			skips: "* * # any",
			want:  "1 passed, 0 failed, 1 skipped\n",
		},
		{
			name:   "not built",
			events: `{"id":{"targetCompleted":{"label":"//b:b"}},"completed":{}}` + failedEnd,
			want:   "0 passed, 1 failed, 0 skipped\n", bad: true,
			stderr: "//b:b: not built",
		},
		{
			name:   "incompatible targets are not failures",
			events: `{"id":{"targetCompleted":{"label":"//b:b"}},"aborted":{"reason":"SKIPPED"}}` + end,
			want:   "0 passed, 0 failed, 0 skipped\n",
		},
		{
			name:   "run that failed before any target",
			events: failedEnd, add: "7,0",
			want: "7 passed, 1 failed, 0 skipped\n", bad: true,
			stderr: "code 3",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "two.xml", twoCases)
			write(t, dir, "one.xml", oneFailure)
			args := []string{
				"--expected-skips=" + write(t, dir, "skips", tt.skips),
				write(t, dir, "events", strings.ReplaceAll(tt.events, "DIR", dir)),
			}
			if tt.add != "" {
				args = append([]string{"--add=" + tt.add}, args...)
			}
			var stdout, stderr bytes.Buffer
			err := run(args, &stdout, &stderr)
			if got := stdout.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if bad := errors.Is(err, errFailed); bad != tt.bad {
				t.Errorf("got error %v, want bad %t", err, tt.bad)
			}
			if !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("stderr %q lacks %q", stderr.String(), tt.stderr)
			}
		})
	}
}

func TestRunRejects(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, events, skips, want string }{
		{"cut off", `{"id":{}`, "", "unexpected EOF"},
		{"unfinished", `{"id":{}}`, "", "did not finish"},
		{"skip without reason", "", "//a:t TestA", "label case # reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := run([]string{
				"--expected-skips=" + write(t, dir, "skips", tt.skips), write(t, dir, "events", tt.events),
			}, &bytes.Buffer{}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func testEvent(label, status, xml string) string {
	out := ""
	if xml != "" {
		out = `{"name":"test.xml","uri":"file://DIR/` + xml + `"}`
	}
	return `{"id":{"testResult":{"label":"` + label + `","run":1,"shard":1}},"testResult":{"status":"` + status +
		`","testActionOutput":[` + out + `]}}`
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
