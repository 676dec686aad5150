package output

import (
	"strconv"
	"strings"
	"testing"
)

// picture returns the lines of the last picture in out, without codes.
func picture(out []byte) []string {
	text := string(out)[strings.LastIndex(string(out), topLeft)+len(topLeft):]
	for _, code := range []string{wholeLine, inverse, plainText, restBelow} {
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
	if got := string(top.Array(nil, first)); strings.Contains(got, "\x1b[K") {
		t.Error("a line is cleared from the cursor on, which is on the last character of a full one")
	}
	if got := names(picture(top.Array(nil, first))); got != `b,c\x1b[2J,a` {
		t.Errorf("the order of the gadget: %s", got)
	}
	for _, tc := range []struct{ keys, names, status string }{
		{">", `c\x1b[2J,b,a`, "by NAME descending"},
		{"\x1b[C", `c\x1b[2J,b,a`, "by COUNT descending"},
		{"r", `a,b,c\x1b[2J`, "by COUNT ascending"},
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
	src.Array = true
	enc, err := New(src, Options{Mode: ModeTop, Fields: "count"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(enc.Array(nil, [][]byte{sample("x")})); got != "COUNT\n7\n" {
		t.Errorf("without a terminal: %q", got)
	}
}

// TestTopOfSingleEvents counts events that show the same.
func TestTopOfSingleEvents(t *testing.T) {
	src := source(t, nil)
	enc, err := New(src, Options{Mode: ModeTop, Fields: "name", Size: func() (int, int) { return 60, 24 }})
	if err != nil {
		t.Fatal(err)
	}
	top := enc.(*Top)
	for _, name := range []string{"a", "b", "b", "c", "b", "c"} {
		top.Event(nil, sample(name))
	}
	counted := func(want string) {
		t.Helper()
		var got []string
		for _, l := range picture(top.Redraw(nil))[2:] {
			got = append(got, strings.Join(strings.Fields(l), ":"))
		}
		if diff := strings.Join(got, ","); diff != want {
			t.Errorf("got %s, want %s", diff, want)
		}
	}
	counted("3:b,2:c,1:a")
	if top.Stale() {
		t.Error("a picture of everything is stale")
	}
	top.Key([]byte("p"))
	top.Event(nil, sample("a"))
	counted("3:b,2:c,1:a")
	top.Key([]byte("p"))
	top.Key([]byte("/a\n"))
	counted("2:a")
	for i := range maxTally + 5 {
		top.Event(nil, sample(strconv.Itoa(i)))
	}
	if got := picture(top.Redraw(nil))[0]; !strings.Contains(got, "8 events of others") {
		t.Errorf("the status is %q", got)
	}
}

// TestTopOfSingleEventsElsewhere writes plain tables without a terminal.
func TestTopOfSingleEventsElsewhere(t *testing.T) {
	enc, err := New(source(t, nil), Options{Mode: ModeTop, Fields: "name"})
	if err != nil {
		t.Fatal(err)
	}
	out := enc.Header(nil)
	for _, name := range []string{"a", "b", "b"} {
		out = enc.Event(out, sample(name))
	}
	first := string(out)
	out = enc.(Finisher).Finish(nil)
	if got := strings.Fields(string(out)); strings.Join(got, " ") != "COUNT NAME 2 b 1 a" ||
		strings.Contains(first+string(out), "\x1b") {
		t.Errorf("at first %q, at the end %q", first, out)
	}
}

// TestTopFits holds that nothing is wider than the terminal, and that what is cut has a mark.
func TestTopFits(t *testing.T) {
	const width = 36
	src := source(t, nil)
	src.Array = true
	enc, err := New(src, Options{Mode: ModeTop, Fields: "name,count", Size: func() (int, int) { return width, 24 }})
	if err != nil {
		t.Fatal(err)
	}
	lines := picture(enc.(*Top).Array(nil, [][]byte{sample("a name that is longer than its column is")}))
	for _, l := range lines {
		if n := len([]rune(l)); n > width {
			t.Errorf("%d columns: %q", n, l)
		}
	}
	if !strings.Contains(lines[0], topKeys) || !strings.Contains(lines[2], ellipsisMark) {
		t.Errorf("got %q", lines)
	}
}
