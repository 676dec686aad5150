package flame

import (
	_ "embed" // the style and the script of the page
	"fmt"
	"hash/fnv"
	"html"
)

//go:embed graph.css
var graphCSS string

//go:embed graph.js
var graphJS string

const (
	rowHeight = 18   // pixels
	minShare  = 5e-4 // of the whole, of a frame that is drawn
	maxRows   = 512
)

// graphWriter writes the frames of a flame graph.
type graphWriter struct {
	out   []byte
	total float64
	rows  int
}

// HTML appends a page with the flame graph that needs no other file: the
// outermost frame on top, dark where the reader's system is.
func (p *Profile) HTML(dst []byte, title string, unit Unit) []byte {
	root := p.tree()
	g := graphWriter{total: float64(max(root.total, 1))}
	g.frame(root, 0, 0)
	title = html.EscapeString(title)
	dst = fmt.Appendf(dst, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<header><h1>%s</h1><span>%d %s, click a frame to zoom, Escape to go back</span>
<input type="search" placeholder="find a function"></header>
<div id="graph" style="height:%dpx">
`, title, graphCSS, title, root.total, html.EscapeString(unit.text()), (g.rows+1)*rowHeight)
	dst = append(dst, g.out...)
	return fmt.Appendf(dst, "</div>\n<script>\n%s</script>\n</body>\n</html>\n", graphJS)
}

// text names what is counted: samples, or nanoseconds.
func (u Unit) text() string {
	if u.Unit == "count" {
		return u.Type
	}
	return u.Unit
}

// frame writes n and what it calls, from the share left of the width on.
func (g *graphWriter) frame(n *node, left float64, row int) {
	share := float64(n.total) / g.total
	if (share < minShare && row > 0) || row >= maxRows {
		return
	}
	g.rows = max(g.rows, row)
	name := html.EscapeString(n.name)
	g.out = fmt.Appendf(g.out,
		"<div data-l=\"%.6f\" data-w=\"%.6f\""+
			" style=\"left:%.4f%%;width:%.4f%%;top:%dpx;--hue:%d\" title=\"%s: %d, %.2f%%\">%s</div>\n",
		left, share, left*100, share*100, row*rowHeight, hue(n.name), name, n.total, share*100, name)
	for _, c := range n.sorted() {
		g.frame(c, left, row+1)
		left += float64(c.total) / g.total
	}
}

// hue gives each name its own warm colour, the same in every graph.
func hue(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32() % 60
}
