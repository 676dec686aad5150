package show

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"
)

// atWidth returns what a table looks like at a terminal that is so wide, 0 for none.
func atWidth(t *testing.T, width int, rows ...[]string) string {
	t.Helper()
	var out bytes.Buffer
	table := NewTable(&out, rows[0]...)
	if width > 0 {
		table.out = &terminal{t: t, width: width, Buffer: &out}
	}
	for _, r := range rows[1:] {
		table.Row(r...)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// terminal is a pseudo terminal of a width; what is written to it is kept.
type terminal struct {
	*bytes.Buffer
	t     *testing.T
	width int
	file  *os.File
}

// Fd implements what cli looks for.
func (w *terminal) Fd() uintptr {
	if w.file == nil {
		var err error
		if w.file, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { w.file.Close() })
		if err := unix.IoctlSetWinsize(int(w.file.Fd()), unix.TIOCSWINSZ, &unix.Winsize{
			Row: 24, Col: uint16(w.width),
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.file.Fd()
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
