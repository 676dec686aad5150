package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoTests(t *testing.T) {
	const output = `=== RUN   TestOpen
=== RUN   TestOpen/all
    live.go:120: verified trace_open enter: 311 instructions, 104 bytes of stack
    open_test.go:7: a word that no report needs
--- PASS: TestOpen (1.25s)
    --- PASS: TestOpen/all (1.00s)
=== RUN   TestSkipped
    needs.go:9: needs kprobes
--- SKIP: TestSkipped (0.00s)
=== RUN   TestWrong
    open_test.go:12: 2 events, want 1
--- FAIL: TestWrong (0.50s)
=== RUN   TestDied
panic: out of range`
	want := []goTest{
		{Name: "TestOpen", Status: "pass", Seconds: 1.25},
		{Name: "TestOpen/all", Status: "pass", Seconds: 1, Verified: []verified{{"trace_open", "enter", 311, 104}}},
		{Name: "TestSkipped", Status: "skip", Text: "needs.go:9: needs kprobes\n"},
		{Name: "TestWrong", Status: "fail", Seconds: 0.5, Text: "open_test.go:12: 2 events, want 1\n"},
		{Name: "TestDied", Status: "fail", Text: "panic: out of range\n"},
	}
	got := goTests(strings.Split(output, "\n"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"TestWrong", "TestDied"}, failed(got)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if n := count(got, "skip"); n != 1 {
		t.Errorf("%d tests were skipped, want 1", n)
	}
}
