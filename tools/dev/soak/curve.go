package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The picture: panels with a common axis of time.
const (
	width, height = 760, 150 // of a panel
	left, top     = 80, 40
	pointsAtMost  = 240
)

// panel is a curve of the picture.
type panel struct {
	title string
	value func(i int) float64
}

// svg draws memory, descriptors and threads, and the rate of events.
func (r report) svg() []byte {
	panels := []panel{
		{"resident memory, MiB", func(i int) float64 { return float64(r.samples[i].rss) / 1024 }},
		{"file descriptors", func(i int) float64 { return float64(r.samples[i].files) }},
		{"threads", func(i int) float64 { return float64(r.samples[i].threads) }},
		{"events a second", r.rate},
	}
	end := r.samples[len(r.samples)-1]
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+
		"\n",
		left+width+20, top+len(panels)*(height+40)+10)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n"+`<text x="%d" y="20">%s</text>`+"\n", left,
		fmt.Sprintf("%s, %d containers, %d events, %s", time.Now().UTC().Format("2 January 2006"), end.containers, end.events,
			strings.Join(gadgets, ", ")))
	for i, p := range panels {
		r.draw(&b, p, top+i*(height+40))
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// rate is the events a second up to sample i.
func (r report) rate(i int) float64 {
	if i == 0 {
		return float64(r.samples[0].events) / r.samples[0].at.Seconds()
	}
	return float64(r.samples[i].events-r.samples[i-1].events) / (r.samples[i].at - r.samples[i-1].at).Seconds()
}

// draw writes one panel, whose upper edge is at y.
func (r report) draw(b *strings.Builder, p panel, y int) {
	values := make([]float64, len(r.samples))
	for i := range values {
		values[i] = p.value(i)
	}
	most := max(slices.Max(values)*1.1, 1)
	step := max(1, len(values)/pointsAtMost)
	var points []string
	for i := 0; i < len(values); i += step {
		x := left + float64(width)*float64(r.samples[i].at)/float64(r.duration)
		points = append(points, fmt.Sprintf("%.0f,%.1f", x, float64(y+20+height)-float64(height)*values[i]/most))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", left, y+12, p.title)
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999"/>`+"\n", left, y+20, width,
		height)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%.0f</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n",
		left-6, y+30, most, left-6, y+20+height)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left+width, y+34+height, r.duration)
	fmt.Fprintf(b, `<polyline fill="none" stroke="#1f6feb" stroke-width="1.5" points="%s"/>`+"\n",
		strings.Join(points, " "))
}
