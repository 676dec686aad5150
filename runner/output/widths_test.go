package output

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFit hides numbers first, the last one first, never the first column nor what
// the user named.
func TestFit(t *testing.T) {
	layout := func() []column {
		return []column{
			{title: "PID", width: 8, min: 8},
			{title: "USED", width: 10, min: 8},
			{title: "PATH", width: 20, min: 10, text: true},
			{title: "FREE", width: 10, min: 8},
			{title: "NAME", width: 16, min: 8, text: true},
		}
	}
	for _, tc := range []struct {
		total int
		named bool
		want  string
	}{
		{60, false, "PID USED PATH FREE NAME"},
		{46, false, "PID USED PATH FREE NAME"},
		{45, false, "PID USED PATH NAME"},
		{38, false, "PID PATH NAME"},
		{29, false, "PID PATH"},
		{5, false, "PID"},
		{5, true, "PID USED PATH FREE NAME"},
	} {
		cols := layout()
		for i := range cols {
			cols[i].named = tc.named
		}
		cut := fit(cols, tc.total)
		var titles []string
		for _, c := range cols {
			if !c.hidden {
				titles = append(titles, c.title)
			}
		}
		if diff := cmp.Diff(tc.want, strings.Join(titles, " ")); diff != "" {
			t.Errorf("%d characters (-want +got):\n%s", tc.total, diff)
		}
		if cut != (len(titles) < len(cols)) {
			t.Errorf("%d characters: cut is %t", tc.total, cut)
		}
		if length := narrowest(cols); cut && tc.total > 10 && length > tc.total-markWidth {
			t.Errorf("%d characters: a line of %d does not leave room for the mark", tc.total, length)
		}
	}
}

// TestNarrowTerminal shows a mark in place of the columns that have no room.
func TestNarrowTerminal(t *testing.T) {
	src := source(t, map[string]map[string]string{"count": {"columns.minwidth": "10"}})
	wide := encode(t, src, Options{Mode: Columns, Width: 80}, sample("b"))
	if !strings.Contains(wide, "COUNT") || strings.Contains(wide, ellipsisMark) {
		t.Errorf("80 characters:\n%s", wide)
	}
	narrow := encode(t, src, Options{Mode: Columns, Width: 24}, sample("b"))
	lines := strings.Split(narrow, "\n")
	if !strings.HasPrefix(lines[0], "NAME") || !strings.HasSuffix(lines[0], " "+ellipsisMark) {
		t.Errorf("24 characters:\n%s", narrow)
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > 24 {
			t.Errorf("a line of %d characters in 24: %q", n, l)
		}
	}
	all := encode(t, src, Options{Mode: Columns, Width: 24, Fields: "name,count,inner.a"}, sample("b"))
	if strings.Contains(all, ellipsisMark) || !strings.Contains(all, "COUNT") {
		t.Errorf("named columns are hidden:\n%s", all)
	}
}
