package flame

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var box = regexp.MustCompile(`<div data-l="([0-9.]+)" data-w="([0-9.]+)" ` +
	`style="[^"]*top:(\d+)px;--hue:(\d+)" title="([^"]*): (\d+), `)

// frame is one box of a graph.
type frame struct {
	left, width float64
	row, hue    int
	weight      uint64
}

func frames(t *testing.T, p *Profile) map[string]frame {
	t.Helper()
	all := map[string]frame{}
	for _, m := range box.FindAllStringSubmatch(string(p.HTML(nil, "t", Unit{"samples", "count"})), -1) {
		var f frame
		f.left, _ = strconv.ParseFloat(m[1], 64)
		f.width, _ = strconv.ParseFloat(m[2], 64)
		top, _ := strconv.Atoi(m[3])
		f.row = top / rowHeight
		f.hue, _ = strconv.Atoi(m[4])
		f.weight, _ = strconv.ParseUint(m[6], 10, 64)
		all[m[5]] = f
	}
	return all
}

// TestGraphFrames: a function is as wide as all that it calls, below its caller and next to
// the others.
func TestGraphFrames(t *testing.T) {
	p := &Profile{}
	p.Add([]string{"main", "a"}, 1)
	p.Add([]string{"main", "b", "c"}, 2)
	p.Add([]string{"main"}, 1)
	p.Add([]string{"other"}, 4)
	all := frames(t, p)
	for name, want := range map[string]frame{
		"all": {0, 1, 0, 0, 8}, "main": {0, 0.5, 1, 0, 4}, "other": {0.5, 0.5, 1, 0, 4}, "a": {0, 0.125, 2, 0, 1},
		"b": {0.125, 0.25, 2, 0, 2}, "c": {0.125, 0.25, 3, 0, 2},
	} {
		got := all[name]
		if got.hue = 0; got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
	if len(all) != 6 {
		t.Errorf("there are %d frames", len(all))
	}
	again := frames(t, p)
	if again["a"].hue != all["a"].hue || all["a"].hue >= 60 {
		t.Errorf("the colour of a function is %d and %d", all["a"].hue, again["a"].hue)
	}
}

// TestGraphLimits: what is too narrow to see, or too deep, is not drawn, and its time counts.
func TestGraphLimits(t *testing.T) {
	p := &Profile{}
	p.Add([]string{"main", "wide"}, 10_000)
	p.Add([]string{"main", "narrow"}, 1)
	var deep []string
	for i := range 2 * maxRows {
		deep = append(deep, fmt.Sprintf("f%d", i))
	}
	p.Add(deep, 10_000)
	all := frames(t, p)
	if _, drawn := all["narrow"]; drawn || all["main"].weight != 10_001 {
		t.Errorf("main is %+v, narrow is drawn: %t", all["main"], drawn)
	}
	if len(all) < maxRows || len(all) > maxRows+3 {
		t.Errorf("there are %d frames", len(all))
	}
	page := string(p.HTML(nil, "t", Unit{"samples", "count"}))
	if want := fmt.Sprintf(`height:%dpx`, maxRows*rowHeight); !strings.Contains(page, want) {
		t.Errorf("the page lacks %q", want)
	}
}

// TestSharedRoom: profiles that share room keep as many stacks together.
func TestSharedRoom(t *testing.T) {
	room := 3
	a, b := &Profile{Room: &room}, &Profile{Room: &room}
	a.Add([]string{"x"}, 1)
	a.Add([]string{"x"}, 1)
	b.Add([]string{"x"}, 1)
	b.Add([]string{"y"}, 1)
	a.Add([]string{"late"}, 5)
	b.Add([]string{"later"}, 6)
	b.Add([]string{"x"}, 1)
	a.Add([]string{"nothing"}, 0)
	if got := string(a.Folded(nil)); got != "[other stacks] 5\nx 2\n" {
		t.Errorf("the first has %q", got)
	}
	if got := string(b.Folded(nil)); got != "[other stacks] 6\nx 2\ny 1\n" {
		t.Errorf("the second has %q", got)
	}
}

// TestAppends: every form is appended to what is there.
func TestAppends(t *testing.T) {
	for name, got := range map[string][]byte{
		"folded": profile().Folded([]byte("before")), "html": profile().HTML([]byte("before"), "t", Unit{}),
	} {
		if !strings.HasPrefix(string(got), "before") || len(got) == len("before") {
			t.Errorf("%s: %.20q", name, got)
		}
	}
}
