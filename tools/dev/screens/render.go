package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// span is text of one line with one look.
type span struct {
	column int
	text   string
	class  string // "", "bold" or "inverse"
}

// attributes matches the one kind of escape sequence that tmux leaves in what it captures.
var attributes = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// parse splits what tmux captured into lines of spans; what is below the last text is left out.
func parse(text string) [][]span {
	var lines [][]span
	class := ""
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n "), "\n") {
		var spans []span
		column := 0
		add := func(text string) {
			if text != "" {
				spans = append(spans, span{column, text, class})
				column += utf8.RuneCountInString(text)
			}
		}
		for {
			at := attributes.FindStringSubmatchIndex(line)
			if at == nil {
				break
			}
			add(line[:at[0]])
			class = look(class, line[at[2]:at[3]])
			line = line[at[1]:]
		}
		add(strings.TrimRight(line, " "))
		lines = append(lines, spans)
	}
	return lines
}

// look is the class of text after a sequence of attributes.
func look(class, codes string) string {
	for code := range strings.SplitSeq(codes, ";") {
		switch code {
		case "", "0":
			class = ""
		case "1":
			class = "bold"
		case "7":
			class = "inverse"
		}
	}
	return class
}

// The size of a cell and of the border, in pixels of the picture.
const (
	cellWidth  = 8
	cellHeight = 18
	border     = 14
)

const style = `
    .back { fill: #f6f8fa; stroke: #d1d9e0 }
    text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
    .typed { font-weight: bold }
    .bold { font-weight: bold }
    .inverse { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .back { fill: #161b22; stroke: #30363d }
      text { fill: #e6edf3 }
      .inverse { fill: #58a6ff }
    }
`

// render draws the lines; each span has the width of its cells, in every font.
func render(s screen, lines [][]span) []byte {
	if s.lines > 0 && len(lines) > s.lines {
		lines = lines[:s.lines]
	}
	width, height := s.columns*cellWidth+2*border, len(lines)*cellHeight+2*border
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t">`+
		"\n",
		width, height)
	fmt.Fprintf(&out, "  <!-- Written by tools/dev/screens. -->\n  <title id=\"t\">%s</title>\n  <style>%s  </style>\n",
		escape(s.title), style)
	fmt.Fprintf(&out, "  <rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", width-1,
		height-1)
	for i, line := range lines {
		for _, sp := range line {
			class := sp.class
			if i == 0 {
				class = "typed"
			}
			if class != "" {
				class = fmt.Sprintf(" class=%q", class)
			}
			fmt.Fprintf(&out, "  <text%s x=\"%d\" y=\"%d\" textLength=\"%d\" xml:space=\"preserve\">%s</text>\n", class,
				border+sp.column*cellWidth, border+(i+1)*cellHeight-5, utf8.RuneCountInString(sp.text)*cellWidth, escape(sp.text))
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder does not fail
	return out.String()
}
