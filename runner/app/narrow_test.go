package app

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// TestNarrow holds the command line of one command alone against that of all.
func TestNarrow(t *testing.T) {
	model, err := Model()
	if err != nil {
		t.Fatal(err)
	}
	var check func(n *kong.Node, path []string)
	check = func(n *kong.Node, path []string) {
		for _, name := range append([]string{n.Name}, n.Aliases...) {
			args := append(slices.Clone(path), name)
			line := narrow(reflect.TypeFor[commands](), args)
			if diff := cmp.Diff(helpOf(t, &commands{}, args), helpOf(t, line.Interface(), args)); diff != "" {
				t.Errorf("%q (-all +alone):\n%s", args, diff)
			}
			for _, c := range n.Children {
				check(c, args)
			}
		}
	}
	for _, c := range model.Children {
		check(c, nil)
	}
	for _, args := range [][]string{nil, {"--help"}, {"-v", "run"}, {"absent"}, {"help", "run"}} {
		if got := narrow(reflect.TypeFor[commands](), args).Type(); got != reflect.TypeFor[*commands]() {
			t.Errorf("%q lacks commands", args)
		}
	}
	if alone := narrow(reflect.TypeFor[commands](), []string{"image", "ls"}).Elem(); alone.FieldByName("Run").IsValid() {
		t.Error("one command alone has the others too")
	}
}

// helpOf returns the help that a command line has for args.
func helpOf(t *testing.T, line any, args []string) string {
	t.Helper()
	var out bytes.Buffer
	parser, err := newParser(line, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if _, ok := recover().(exited); !ok {
				t.Errorf("%q has no help", args)
			}
		}()
		_, _ = parser.Parse(append(slices.Clone(args), "--help"))
	}()
	if !strings.HasPrefix(out.String(), "Usage: gadget-run ") {
		t.Errorf("help of %q is %q", args, out.String())
	}
	return out.String()
}

// TestLeading: what precedes the command is not taken for it.
func TestLeading(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 0},
		{[]string{"run", "-v"}, 0},
		{[]string{"-v", "run"}, 1},
		{[]string{"-qv", "--debug", "run"}, 2},
		{[]string{"--state", "run", "image"}, 2},
		{[]string{"--state=run", "-q", "image", "pull"}, 2},
		{[]string{"--state"}, 1},
		{[]string{"--help", "run"}, 0},
		{[]string{"-h", "run"}, 0},
		{[]string{"-qx", "run"}, 0},
		{[]string{"--absent", "run"}, 0},
		{[]string{"--", "run"}, 0},
		{[]string{"-", "run"}, 0},
		{[]string{"", "run"}, 0},
	} {
		if got := leading(c.args); got != c.want {
			t.Errorf("leading(%q) = %d, want %d", c.args, got, c.want)
		}
	}
}
