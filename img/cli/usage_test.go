package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"build":          "img: missing argument <path>, see img build --help\n",
		"tag a":          "img: missing argument <target>, see img tag --help\n",
		"frob":           "img: unknown command frob, see img --help\n",
		"ls frob":        "img: unexpected argument frob, see img ls --help\n",
		"build --frob .": "img: unknown flag --frob, see img build --help\n",
		"build --tga x":  "img: unknown flag --tga, did you mean \"--tag\"?\n",
	} {
		var stderr bytes.Buffer
		code := Main(t.Context(), strings.Fields(args), Streams{In: strings.NewReader(""), Out: io.Discard, Err: &stderr})
		if code != 2 || stderr.String() != want {
			t.Errorf("img %s: exit code %d, %q, want 2, %q", args, code, stderr.String(), want)
		}
	}
}
