package show

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
)

// atWidth returns what a table looks like at a terminal that is so wide, 0 for none.
func atWidth(t *testing.T, width int, rows ...[]string) string {
	t.Helper()
	var out interface {
		io.Writer
		String() string
	} = &bytes.Buffer{}
	if width > 0 {
		out = clitest.NewScreen(t, width)
	}
	table := NewTable(out, rows[0]...)
	for _, r := range rows[1:] {
		table.Row(r...)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTableFits(t *testing.T) {
	rows := [][]string{
		{"REPOSITORY", "TAG", "DIGEST", "CREATED"},
		{"127.0.0.1:5000/gadgets/open", "v1", "1ce7a3c54401", "-"},
		{"registry.example/a-long-organization/with/a/long/path/trace_open", "v1.2", "1ce7a3c54401", "2 days ago"},
	}
	for width, want := range map[int]string{
		// No terminal: every row is a line.
		0: `
REPOSITORY                                                         TAG    DIGEST         CREATED
127.0.0.1:5000/gadgets/open                                        v1     1ce7a3c54401   -
registry.example/a-long-organization/with/a/long/path/trace_open   v1.2   1ce7a3c54401   2 days ago
`,
		120: `
REPOSITORY                                                         TAG    DIGEST         CREATED
127.0.0.1:5000/gadgets/open                                        v1     1ce7a3c54401   -
registry.example/a-long-organization/with/a/long/path/trace_open   v1.2   1ce7a3c54401   2 days ago
`,
		80: `
REPOSITORY                                      TAG    DIGEST         CREATED
127.0.0.1:5000/gadgets/open                     v1     1ce7a3c54401   -
registry.example/a-long-organization/with/a/    v1.2   1ce7a3c54401   2 days ago
long/path/trace_open
`,
		60: `
REPOSITORY                  TAG    DIGEST         CREATED
127.0.0.1:5000/gadgets/     v1     1ce7a3c54401   -
open
registry.example/           v1.2   1ce7a3c54401   2 days ago
a-long-organization/with/
a/long/path/trace_open
`,
	} {
		got := atWidth(t, width, rows...)
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 0 && n > width {
				t.Errorf("%d columns: a line has %d: %q", width, n, line)
			}
		}
	}
}

// TestTableLast wraps the last column between words, and breaks no digest.
func TestTableLast(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	got := atWidth(t, 40, []string{"ID", "DESCRIPTION"}, []string{"1", "an index of the gadget and of another one"},
		[]string{"2", ""})
	want := "ID   DESCRIPTION\n1    an index of the gadget and of\n     another one\n2\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := atWidth(t, 40, []string{"DIGEST", "SIZE"}, []string{digest, "1B"}); !strings.Contains(got, digest) {
		t.Errorf("a digest is broken:\n%s", got)
	}
}
