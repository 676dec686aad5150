package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got := parse("$ x\n\x1b[7mPID \x1b[0mé <a>  \n\n\x1b[1mb\nc\x1b[m\n\n\n")
	want := [][]span{
		{{0, "$ x", ""}},
		{{0, "PID ", "inverse"}, {4, "é <a>", ""}},
		nil,
		{{0, "b", "bold"}},
		{{0, "c", "bold"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Error(diff)
	}
}

func TestRender(t *testing.T) {
	s := screen{title: "a < b", columns: 10, lines: 2}
	out := string(render(s, parse("$ x\n\x1b[7mPID \x1b[0mé <a>\nleft out\n")))
	for _, want := range []string{
		`<title id="t">a &lt; b</title>`, `class="typed" x="14" y="27" textLength="24"`, `class="inverse"`,
		`<text x="46" y="45" textLength="40" xml:space="preserve">é &lt;a&gt;</text>`, `viewBox="0 0 108 64"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	if strings.Contains(out, "left out") {
		t.Errorf("%s has more than %d lines", out, s.lines)
	}
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
