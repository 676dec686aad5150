package gadget

import (
	"strings"
	"testing"
)

func TestManyProblems(t *testing.T) {
	for n, want := range map[int]int{
		1: 1, maxLines: maxLines, maxLines + 1: maxLines + 1, maxLines + 2: maxLines + 1,
		5000: maxLines + 1,
	} {
		var ps Problems
		for i := range n {
			ps = append(ps, Problem{File: "f", Line: i, Text: "wrong"}, Problem{File: "f", Text: "uncertain", Warning: true})
		}
		lines := strings.Split(ps.Err().Error(), "\n")
		if len(lines) != want || n == 5000 && lines[maxLines] != "and 4980 more" {
			t.Errorf("%d problems are %d lines, want %d; the last is %q", n, len(lines), want, lines[len(lines)-1])
		}
	}
}
