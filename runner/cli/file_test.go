package cli_test

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

func TestFlagsWithoutTarget(t *testing.T) {
	var line struct {
		Policy     cli.File
		PublicKeys cli.Files
	}
	parser, err := kong.New(&line)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--policy", ""}, {"--policy="}, {"--public-keys", ""}, {"--public-keys", "a,"}} {
		if _, err := parser.Parse(args); err == nil {
			t.Errorf("%q is accepted: %+v", args, line)
		}
	}
	line.PublicKeys = nil
	if _, err := parser.Parse([]string{"--policy=p", "--public-keys=a,b", "--public-keys=c"}); err != nil ||
		line.Policy != "p" || !slices.Equal(line.PublicKeys, cli.Files{"a", "b", "c"}) {
		t.Errorf("%+v, %v", line, err)
	}
}
