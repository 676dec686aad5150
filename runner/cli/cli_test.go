package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestStateDir(t *testing.T) {
	env := func(pairs map[string]string) func(string) string {
		return func(name string) string { return pairs[name] }
	}
	for _, tt := range []struct {
		name, flag string
		uid        int
		env        map[string]string
		want       string
	}{
		{"the flag", "/x", 0, nil, "/x"},
		{"root", "", 0, map[string]string{"HOME": "/root"}, "/var/lib/gadget-run"},
		{"XDG_DATA_HOME", "", 1000, map[string]string{"XDG_DATA_HOME": "/data", "HOME": "/home/u"}, "/data/gadget-run"},
		{
			"a relative XDG_DATA_HOME", "", 1000,
			map[string]string{"XDG_DATA_HOME": "data", "HOME": "/home/u"},
			"/home/u/.local/share/gadget-run",
		},
		{"no home", "", 1000, nil, ""},
	} {
		if got := cli.StateDir(tt.flag, tt.uid, env(tt.env)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{cli.Usage(nil), 0},
		{errors.New("broken"), 1},
		{fmt.Errorf("parsing: %w", cli.Usage(errors.New("wrong"))), 2},
		{fmt.Errorf("pulling: %w", cli.ErrInterrupted), 130},
	} {
		if got := cli.ExitCode(tt.err); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	const text = "the path of the opened file, ümläüts too, after links"
	for width, want := range map[int][]string{
		0:   {text},
		10:  {text},
		80:  {text},
		30:  {"the path of the opened file,", "ümläüts too, after links"},
		-20: {text},
	} {
		if diff := cmp.Diff(want, cli.Wrap(text, width)); diff != "" {
			t.Errorf("width %d (-want +got):\n%s", width, diff)
		}
	}
	if got := cli.Wrap("a-word-that-is-longer-than-the-line and more", 25); len(got) != 2 {
		t.Errorf("a long word: %q", got)
	}
	if cli.IsTerminal(&bytes.Buffer{}) || cli.TerminalWidth(&bytes.Buffer{}) != 0 {
		t.Error("a buffer is not a terminal")
	}
}
