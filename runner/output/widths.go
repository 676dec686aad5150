package output

import "slices"

// markWidth is the room of the mark after the titles that indicates hidden columns.
const markWidth = 2

// fit makes the columns fill total characters. Those that have no room even at their
// narrowest are hidden, unless the user named them: numbers before texts, the last
// first. It reports whether it hid any.
func fit(cols []column, total int) (cut bool) {
	for i := range cols {
		cols[i].hidden = false
	}
	for narrowest(cols) > total {
		i := leastWanted(cols)
		if i < 0 {
			break
		}
		if !cut {
			cut, total = true, total-markWidth
		}
		cols[i].hidden = true
	}
	fitWidths(cols, total)
	return cut
}

// narrowest returns the least length of a line.
func narrowest(cols []column) int {
	total := -1
	for _, c := range cols {
		switch {
		case c.hidden:
		case c.fixed:
			total += c.width + 1
		default:
			total += min(c.width, c.min) + 1
		}
	}
	return total
}

// leastWanted returns the column to hide next, -1 where none may be. The first one
// stays: it names what the line is about.
func leastWanted(cols []column) int {
	text := -1
	for i := len(cols) - 1; i > 0; i-- {
		switch c := cols[i]; {
		case c.hidden || c.named:
		case !c.text:
			return i
		case text < 0:
			text = i
		}
	}
	return text
}

// fitWidths makes the columns fill total characters: what is left over, or too
// much, is shared in proportion to the widths, within the limits of each.
func fitWidths(cols []column, total int) {
	free := total + 1
	for _, c := range cols {
		if !c.hidden {
			free -= c.width + 1
		}
	}
	for free != 0 {
		idx, widths := adjustable(cols, free > 0)
		if len(idx) == 0 {
			return
		}
		round := free
		for _, i := range idx {
			share := round * cols[i].width / widths
			if share == 0 {
				share = round / abs(round)
			}
			step := cols[i].clampStep(share)
			if abs(step) > abs(free) {
				step = free
			}
			cols[i].width += step
			free -= step
		}
	}
}

// adjustable returns which columns can still change, widest first, and the sum
// of their widths.
func adjustable(cols []column, wider bool) (idx []int, widths int) {
	for i := range cols {
		c := &cols[i]
		if c.hidden || c.fixed || wider && c.max > 0 && c.width >= c.max || !wider && c.width <= c.min {
			continue
		}
		idx = append(idx, i)
		widths += c.width
	}
	slices.SortStableFunc(idx, func(a, b int) int { return cols[b].width - cols[a].width })
	return idx, widths
}

func (c *column) clampStep(step int) int {
	w := c.width + step
	if c.max > 0 {
		w = min(w, c.max)
	}
	return max(w, c.min) - c.width
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
