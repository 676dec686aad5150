package output

import (
	"strings"
	"testing"
)

// picture returns the lines of the last picture in out, without codes.
func picture(out []byte) []string {
	text := string(out)[strings.LastIndex(string(out), topLeft)+len(topLeft):]
	for _, code := range []string{"\x1b[K", inverse, plainText, restBelow} {
		text = strings.ReplaceAll(text, code, "")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// names returns the first column of the rows of a picture.
func names(lines []string) string {
	var out []string
	for _, l := range lines[2:] {
		name, _, _ := strings.Cut(l, " ")
		out = append(out, name)
	}
	return strings.Join(out, ",")
}

func TestTop(t *testing.T) {
	src := source(t, nil)
	src.Array = true
	height := 24
	enc, err := New(src, Options{Mode: ModeTop, Fields: "name,count", Size: func() (int, int) { return 60, height }})
	if err != nil {
		t.Fatal(err)
	}
	top := enc.(*Top)
	if got := string(top.Header(nil)); !strings.HasPrefix(got, enterScreen) {
		t.Errorf("the header is %q", got)
	}
	entry := func(name string, n byte) []byte {
		s := sample(name)
		s[40] = n
		return s
	}
	first := [][]byte{entry("b", 9), entry("c\x1b[2J", 10), entry("a", 1)}
	if got := names(picture(top.Array(nil, first))); got != `b,c\x1b[2J,a` {
		t.Errorf("the order of the gadget: %s", got)
	}
	for _, tc := range []struct{ keys, names, status string }{
		{">", `c\x1b[2J,b,a`, "by NAME falling"},
		{"\x1b[C", `c\x1b[2J,b,a`, "by COUNT falling"},
		{"r", `a,b,c\x1b[2J`, "by COUNT rising"},
		{"\x1b[D\x1b[D", `b,c\x1b[2J,a`, "src: 3 of 3  ("},
		{"/Bx\x7f", "b", "filter: B_"},
		{"\n", "b", `1 of 3, with "B"`},
		{"/\x1b", `b,c\x1b[2J,a`, "3 of 3"},
		{"p", `b,c\x1b[2J,a`, "paused"},
	} {
		if top.Key([]byte(tc.keys)) {
			t.Errorf("keys %q end the run", tc.keys)
		}
		lines := picture(top.Redraw(nil))
		if names(lines) != tc.names || !strings.Contains(lines[0], tc.status) {
			t.Errorf("keys %q: %q, want %s and %q", tc.keys, lines, tc.names, tc.status)
		}
	}
	if got := names(picture(top.Array(nil, first[2:]))); got != `b,c\x1b[2J,a` {
		t.Errorf("while paused: %s", got)
	}
	top.Key([]byte("p"))
	if got := names(picture(top.Redraw(nil))); got != "a" {
		t.Errorf("after the pause: %s", got)
	}
	height = 4
	if got := picture(top.Array(nil, first)); len(got) != 3 {
		t.Errorf("a terminal of 4 lines: %q", got)
	}
	if !top.Key([]byte("q")) {
		t.Error("q does not end the run")
	}
	if got := string(top.Finish(nil)); got != leaveScreen {
		t.Errorf("at the end: %q", got)
	}
}

// TestTopElsewhere shows plain tables without a terminal.
func TestTopElsewhere(t *testing.T) {
	src := source(t, nil)
	if _, err := New(src, Options{Mode: ModeTop}); err == nil {
		t.Error("single events in mode top")
	}
	src.Array = true
	enc, err := New(src, Options{Mode: ModeTop, Fields: "count"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(enc.Array(nil, [][]byte{sample("x")})); got != "COUNT\n7\n" {
		t.Errorf("without a terminal: %q", got)
	}
}
